"""What a machine that nobody measured would run at, from the chip catalogue and published figures."""

from tpsprofile.predict.estimate import Prediction, predict, third
from tpsprofile.predict.weights import Weights, weights

__all__ = ["Prediction", "Weights", "predict", "third", "weights"]
