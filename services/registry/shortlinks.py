"""Hosts whose addresses say nothing of what they open: short links, redirects, where one logs in. Pure."""

from services.registry.platforms import words

SHORT = words(
    "t.cn t.co b23.tv bili2233.cn fb.me on.fb.me fburl.com fb.watch m.me instagr.am ig.me lnkd.in youtu.be",
    "flic.kr redd.it bit.ly bitly.com j.mp tinyurl.com tiny.cc goo.gl g.co ow.ly is.gd v.gd buff.ly cutt.ly",
    "rb.gy rebrand.ly shorturl.at s.id ift.tt dlvr.it trib.al wp.me pin.it tr.im qr.ae u.nu soo.gd bl.ink t.ly",
    "adf.ly snip.ly x.gd short.gy dwz.cn url.cn w.url.cn suo.im suo.nz suo.cn sourl.cn sourl.co 985.so t.hk.uy",
    "mrw.so rrd.me 6du.in tb.cn m.tb.cn u.jd.com 3.cn c.tb.cn s.click.taobao.com kurl01.cn xhslink.com",
    "v.douyin.com v.kuaishou.com v.kuaishouapp.com vm.tiktok.com vt.tiktok.com v.ixigua.com m.toutiaoimg.cn",
    "l.facebook.com lm.facebook.com l.instagram.com link.zhihu.com mbd.baidu.com mr.baidu.com",
    "url.cloud.huawei.com dwz.date dwz.win dwz.mk sina.lt t.im page.link app.link link.csdn.net c.pc.qq.com",
    "lnk.to",
)
LOGINS = words("login passport sso signin accounts auth")


def is_short(host: str) -> bool:
    """Whether nobody can tell from an address on this host what it opens."""
    site = host.removeprefix("www.")
    return site in SHORT or site.endswith((".page.link", ".app.link"))
