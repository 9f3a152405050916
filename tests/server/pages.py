"""The pages that a person sees in the browser while signing in."""

import html

SHELL = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>%(title)s</title><style>
body{font:16px/1.5 system-ui,sans-serif;background:#f6f5fa;color:#1b1b1f;margin:0;padding:4rem 1rem}
main{max-width:30rem;margin:auto;background:#fff;border-radius:1rem;padding:2rem;box-shadow:0 2px 12px #0002}
h1{font-size:1.4rem;margin:0 0 1rem}
button{font:inherit;padding:.6rem 1.4rem;border-radius:.5rem;border:1px solid #7856ff;background:#fff;cursor:pointer}
button{margin:.6rem .6rem 0 0}
button.yes{background:#7856ff;color:#fff}
input{font:inherit;padding:.5rem;border:1px solid #bbb;border-radius:.5rem;width:100%%;box-sizing:border-box;margin-bottom:.8rem}
ul{padding:0;margin:.5rem 0}li{display:inline-block;background:#f1eefe;border-radius:.4rem;padding:.1rem .5rem;margin:.15rem}
small{color:#666}</style></head><body><main><h1>%(title)s</h1>%(body)s
<p><small>This is the local sandbox; nothing here reaches Mixpanel.</small></p></main></body></html>"""


BUTTONS = """<button class="yes" name="answer" value="approve">Approve</button>
<button name="answer" value="deny">Deny</button>"""


def page(title, body):
    return SHELL % {"title": html.escape(title), "body": body}


def form(action, fields, inside):
    hidden = "".join('<input type="hidden" name="%s" value="%s">' % (k, html.escape(v)) for k, v in fields.items())
    return '<form method="post" action="%s">%s%s</form>' % (html.escape(action), hidden, inside)


def login(action, following):
    inside = ('<label>Email <input name="email" type="email" value="person@example.com" autocomplete="off"></label>'
              '<label>Password <input name="password" type="password" value="anything" autocomplete="off"></label>'
              '<button class="yes" name="answer" value="login">Log in</button>')
    return page("Log in to the sandbox", "<p>Any address and any password will do.</p>" + form(action, {"next": following}, inside))


def consent(action, request, client, scopes, redirect):
    shown = "".join("<li>%s</li>" % html.escape(s) for s in scopes)
    return page("Allow access?", """<p><b>%s</b> asks for access to your (imaginary) Mixpanel projects:</p><ul>%s</ul>
<p><small>Afterwards the browser goes to %s</small></p>%s""" % (
        html.escape(client), shown, html.escape(redirect.split("?")[0]), form(action, {"request": request}, BUTTONS)))


def device(action, code):
    inside = '<label>Code <input name="user_code" value="%s" autocomplete="off"></label>' % html.escape(code)
    return page("Connect a device", "<p>Type the code that the terminal shows.</p>" + form(action, {}, inside + BUTTONS))


def message(title, text):
    return page(title, "<p>%s</p>" % html.escape(text))
