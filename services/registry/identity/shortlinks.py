"""Hosts whose addresses do not show which page they open: short links, redirects, logins. Pure."""

from collections.abc import Sequence

from services.registry.platforms.platform import words

SHORT = words(
    "t.cn t.co b23.tv bili2233.cn fb.me on.fb.me fburl.com fb.watch m.me instagr.am ig.me lnkd.in youtu.be",
    "flic.kr redd.it bit.ly bitly.com j.mp tinyurl.com tiny.cc goo.gl g.co ow.ly is.gd v.gd buff.ly cutt.ly",
    "rb.gy rebrand.ly shorturl.at s.id ift.tt dlvr.it trib.al wp.me pin.it tr.im qr.ae u.nu soo.gd bl.ink t.ly",
    "adf.ly snip.ly x.gd short.gy dwz.cn url.cn w.url.cn suo.im suo.nz suo.cn sourl.cn sourl.co 985.so t.hk.uy",
    "mrw.so rrd.me 6du.in tb.cn m.tb.cn u.jd.com 3.cn c.tb.cn s.click.taobao.com kurl01.cn xhslink.com",
    "v.douyin.com v.kuaishou.com v.kuaishouapp.com vm.tiktok.com vt.tiktok.com v.ixigua.com m.toutiaoimg.cn",
    "l.facebook.com lm.facebook.com l.instagram.com link.zhihu.com mbd.baidu.com mr.baidu.com",
    "url.cloud.huawei.com dwz.date dwz.win dwz.mk sina.lt t.im page.link app.link link.csdn.net c.pc.qq.com",
    "lnk.to bili22.cn bili23.cn bili33.cn acg.tv amzn.to amzn.asia a.co xhs.link xsl.ink apple.co appsto.re itun.es",
    "tiny.one tinyurl.hk shorturl.asia shorturl.com u.to 0rz.tw reurl.cc reurl.tw lihi.cc lihi1.com pse.is ppt.cc",
    "maac.io supr.link bitly.ws bit.do mcaf.ee qr.net qrco.de qr.io l.ead.me t1p.de kutt.it tny.im 1drv.ms we.tl",
    "w.wiki go.gov.sg for.edu.sg 1.usa.gov go.usa.gov go.nasa.gov ht.ly su.pr db.tt spr.ly hubs.la hubs.ly shor.by",
    "clck.ru vk.cc spoti.fi tmblr.co g.page maps.app.goo.gl forms.gle dwz1.cc dwzjh.com dwurl.cn urlify.cn sohu.gg",
    "163.fm 126.am mtw.so m6z.cn w3t.cn c1n.cn kks.me 7rz.cn i7q.cn 98.gs 0x9.me fwd4.me t.cn.hn u6v.cn ur1.ca",
    "x.co zi.mu zpr.io v.ht clk.im 2.gp yep.it rotf.lol tny.sh shrtco.de 9qr.de urlz.fr lstu.fr urlr.me url.kr",
    "han.gl me2.do naver.me me2.kr kko.to zrr.kr c11.kr buly.kr abre.ai encurtador.com.br n9.cl acortar.link tr.ee",
    "sinaurl.cn t.sina.cn u.wechat.com mp.weixinbridge.com wxurl.cn wxaurl.cn s.yam.com urlqh.cn z.cn jd.cn lin.ee",
    "shorte.st bc.vc ouo.io adfoc.us migre.me cli.gs snipurl.com budurl.com short.io shrt.st snurl.com moourl.com",
    "doiop.com twitthis.com goo.by gg.gg linkd.in fb.gg fb.ly msng.link pic.x.com snpy.tv s.team disq.us eepurl.com",
    "jump.bdimg.com jump2.bdimg.com link.juejin.cn link.jianshu.com link.uisdc.com urldefense.com gate.sc href.li",
    "urldefense.proofpoint.com webcache.googleusercontent.com web.archive.org archive.ph archive.is archive.today",
)
# Pages of large sites that only pass on to another one, by their first piece.
_PASSES = {
    "baidu.com": words("link"),
    "m.baidu.com": words("from=0 link"),
    "google.com": words("url amp"),
    "bing.com": words("ck"),
    "sogou.com": words("link"),
    "so.com": words("link"),
    "weibo.cn": words("sinaurl"),
    "vk.com": words("away.php"),
    "steamcommunity.com": words("linkfilter"),
}
_UNDER = (
    ".page.link",
    ".app.link",
    ".safelinks.protection.outlook.com",
    ".translate.goog",
    ".cdn.ampproject.org",
    ".short.gy",
)
LOGINS = words("login passport sso signin accounts auth")


def is_short(host: str, pieces: Sequence[str] = ()) -> bool:
    """Whether an address on this host does not show which page it opens."""
    site = host.removeprefix("www.")
    if site in SHORT or site.endswith(_UNDER):
        return True
    return bool(pieces) and pieces[0].lower() in _PASSES.get(site, ())
