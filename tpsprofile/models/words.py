"""Words that a twin's tokenizer knows whole: the commonest of English prose and of Python code."""

from __future__ import annotations

ENGLISH = """
the of and to a in is it you that he was for on are with as his they be at one have this from or had by not but
what all were when we there can an your which their said if do will each about how up out them then she many
some so these would other into has more her two like him see time could no make than first been its who now
people my made over did down only way find use may water long little very after words called just where most
know get through back much go good new write our me man too any day same right look think also around another
came come work three word must because does part even place well such here take why help put different away
again off went old number great tell men say small every found still between name should home big give air line
set own under read last never us left end along while might next sound below saw something thought both few
those always show large often together asked house world going want school important until form food keep
children feet land side without boy once animal life enough took four head above kind began almost live page
got earth need far hand high year mother light country father let night picture being study second soon story
since white ever paper hard near sentence better best across during today however sure knew try told young sun
thing whole hear example heard several change answer room sea against top turned learn point city play toward
five himself usually money seen car morning body family later turn move face door cut done group true half red
fish plants living black eat short run book gave order open ground cold really table remember tree course front
american space inside ago sad early learned brought close nothing though idea before lived became add become
grow draw yet less wind behind cannot letter among able dog shown mean english rest perhaps certain six feel
fire ready green yes built special ran full town complete oh person hot anything hold state list stood hundred
ten fast felt kept notice can't strong voice probably area horse matter stand box start that's class piece
surface river common stop am talk whether fine round dark past ball girl road blue instead either held already
warm gone finally summer understand moon animals mind outside power problem longer winter deep heavy carefully
follow beautiful everyone leave everything game system bring watch shall dry within floor ice ship themselves
begin fact third quite carry distance although possible heart real simple snow rain suddenly easy leaves lay
size wild weather miss pattern sky walked main someone center field stay itself boat question wide least
tiny hour happened foot care low else gold build glass rock tall alone bottom check reading fall poor map
friend language job music buy window mark heat grew listen ask single clear energy week explain lost spring
travel wrote farm circle whose correct bed measure straight base mountain caught hair bird wood color war fly
yourself seem thus square moment teacher happy bright sent present plan rather length speed machine information
results result using used uses given following please include including provide must only nothing else reply
respond answer code request explanation comments comment text markdown without any complete working solution
quick brown lazy jump jumps fox bridge village across nobody remembers town street office market company sold
sell price dollars euro million billion percent government president minister party member members council court
law police report reports reported news social public national international local community service services
health care hospital doctor medical research study science scientists university college student students
technology computer software hardware internet online website email phone video film movie television artist art
history century military peace political economic economy industry business trade bank financial cost costs
project projects program team player players games win won league match sport sports explained committee meeting
energy oil gas climate nature environment species plant forest ocean island north south several budget decision
west europe america china england london york states united kingdom city cities building church museum chairman
religion god christian wife husband son daughter brother sister parents woman women girl love friends library
january february march april june july august september october november december monday tuesday friday sunday
years months days hours minutes weeks early during within against according members sharply steel doubled
many however therefore although since until because neither discuss discussed asked risen taken met
important available likely certain main major general special particular similar various thought
recent current previous final average human natural modern ancient former foreign private
python memory model models engine machines processes processor chip graphics network train
training weights weight layer layers attention neural benchmark measure measurement latency throughput
implementation implement implements create creates created creating convert converts based data database
"""

CODE = """
def return import from class self for in if elif else while with as try except finally raise not and or is None
True False lambda yield pass break continue global assert del async await print len range str int float list
dict set tuple bool bytes object type open read write close file files path paths name names value values key
keys item items index count size data text line lines row rows column columns col cols table tables header
headers field fields record records result results error errors exception ValueError TypeError KeyError
OSError FileNotFoundError RuntimeError NotImplementedError StopIteration csv json sqlite sqlite3 sql os sys
re math time datetime pathlib Path typing Any Optional List Dict Union Iterable Callable collections itertools
functools numpy np pandas pd matplotlib plt connect connection conn cursor cur execute executemany commit
rollback fetchall fetchone INSERT INTO VALUES CREATE TABLE IF EXISTS NOT NULL SELECT FROM WHERE DROP PRIMARY KEY
TEXT INTEGER REAL ORDER BY GROUP JOIN LEFT UPDATE DELETE SET LIMIT reader writer DictReader DictWriter newline
encoding utf append extend insert remove pop sort sorted reverse join split strip replace format startswith
endswith lower upper find get update copy enumerate zip map filter sum min max abs any all isinstance hasattr
getattr setattr super init main args kwargs argv input output config options params parameters function method
module package test tests example default current total start end stop step next prev node root left right tree
stack queue heap array string number char buffer stream response request server client url http https api token
tokens user users id to of by on at the basename splitext dirname exists stem suffix parent mkdir glob quote
quoted safe clean sanitize unique schema types infer create connect load save parse build make run call check
validate convert process handle log logger logging info debug warning exc message msg temp tmp cache memory
length width height x y z i j k n m a b c d e f s t p q v w key_value first last new old
"""

PARTS = """
ing tion ment ness able ible ful less ous ive ity ies est ers ally ated ating ation ations ance ence ant ent ic
ical ist ism ize ized izing ise ised al ial ary ory ure age ship ward wise ish en er or ed es ly le el ck ch sh
th ght qu un re dis mis pre pro con com per sub trans inter over under out anti auto bi co de ex fore in im mid
mono multi non post semi super tele tri uni ab ac ad af ag an ap ar as at be bo br bu ca ce ci cl co cr cu da di
do dr du ea ee em ev fa fe fi fl fo fr fu ga ge gi gl go gr gu ha he hi ho hu im is ja jo ju ke ki kn la li lo
lu ma me mi mo mu na ne ni no nu ob oc of on op or pa pe ph pi pl po pr pu ra ri ro ru sa sc se si sk sl sm sn
so sp st su sw ta te ti to tr tu tw um up va ve vi vo wa we wh wi wo wr ya ye yo za ze zo
"""

SIGNS = """
() (): ): ) -> { } [] [ ] {} == != <= >= += -= *= // ** ' " ''' \"\"\" (' (" ') ") '] ["  ", ', : :: = . .. ... , ;
# ## ### ``` ` - -- --- * / \\ | & % @ ! ? $ ~ ^ < > + _ __ {' {" '} "} '): "): ]) ([ )) (( }) ({ )] ?, ?) .) ), ],
}, *, =" =' [: [- %s {} {}. ')) ")) "] ', ', ", ", .. /* */ </ /> ==> => :// !=
"""

BLANKS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 23)
"""Runs of blanks that indentation leaves before a word."""
