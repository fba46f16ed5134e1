/* STREAM's TRIAD, a = b + s * c over doubles: how fast memory is when a compiler, not numpy, writes the loop.
 *
 *     triad ELEMENTS SECONDS
 *
 * Prints bytes per second of the fastest pass in so many seconds; OMP_NUM_THREADS says how many threads work.
 * Bytes are counted as STREAM counts them, 24 an element. Each thread is the first to write what it will use, so
 * that memory lies near its processor. (J. D. McCalpin, https://www.cs.virginia.edu/stream/ref.html)
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static double pass(double *restrict a, const double *restrict b, const double *restrict c, double s, long n)
{
    double start = omp_get_wtime();
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++)
        a[i] = b[i] + s * c[i];
    return omp_get_wtime() - start;
}

int main(int count, char **words)
{
    if (count != 3)
        return 2;
    long n = atol(words[1]);
    double *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b), *c = malloc(n * sizeof *c);
    if (!a || !b || !c)
        return 1;
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        a[i] = 0.0;
        b[i] = 1.0;
        c[i] = 2.0;
    }
    pass(a, b, c, 3.0, n); /* starts the threads */
    double best = pass(a, b, c, 3.0, n), end = omp_get_wtime() + atof(words[2]);
    while (omp_get_wtime() < end) {
        double took = pass(a, b, c, 3.0, n);
        best = took < best ? took : best;
    }
    if (a[n / 2] != 7.0) /* also keeps the loop */
        return 1;
    printf("%.0f\n", 24.0 * n / best);
    return 0;
}
