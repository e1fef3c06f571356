"""Shared by the tables of several families: pages without an owner, and shapes of names. Pure."""

from services.registry.platforms.platform import Name, words

# Pages that are the whole path on most sites.
ROUTES = words(
    "http https www home index search explore login logout signin signup signout register help about account accounts",
    "settings share privacy terms tos legal policies download app apps jobs ads business developers intent hashtag",
    "directory oauth sso passport auth sitemap robots.txt favicon.ico undefined null none nan",
)
TABS = words("about")
# A name as people show it: letters and digits of any script, and what the Chinese networks allow between them.
SHOWN = r"(?=.*\w)[\w·.\-]"
SHOWN_ACCEPTED = "the account's name as the platform shows it, without blanks and punctuation"


def shown(most: int) -> Name:
    return Name(shape=rf"(?!\d+$){SHOWN}{{2,{most}}}", accepted=SHOWN_ACCEPTED, folds=False)


NUMBER = Name(shape=r"[1-9][0-9]{0,19}", accepted="a number", folds=False)
# Rules for names are not published, and these platforms show quotation marks and signs in them.
TITLE = Name(shape=r"(?!\d+$)(?=.*\w)[\w·.\-“”‘’'\"《》「」+&!()]{2,40}", accepted=SHOWN_ACCEPTED, folds=False)
PACKAGE = Name(
    shape=r"(?=.{3,150}$)[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)+",
    accepted="a package name such as cn.gov.example",
    folds=False,
)
