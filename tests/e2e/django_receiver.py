"""A customer's webhook in Django, one file: checks the secret, reads form fields with their brackets, replies, sets variables. What it took goes to stdout, a
JSON line each; the first line is the port. Started by test_telerivet.py: django_receiver.py SECRET."""

import json
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, HttpResponseForbidden, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

SECRET = sys.argv[1]


@csrf_exempt
def webhook(request):
    form = request.POST
    print(json.dumps(form.dict()), flush=True)
    if form.get("secret") != SECRET:
        return HttpResponseForbidden("Invalid webhook secret")
    if form.get("event") != "incoming_message":
        return HttpResponse()
    return JsonResponse({"messages": [{"content": f"Hello {form['contact[name]']}, city {form['contact[vars][city]']}"}],
                         "variables": {"contact.vars.seen": "django", "state.id": "greeted"}})


urlpatterns = [path("webhook", webhook)]


class Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        pass


def main():
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="of the test", MIDDLEWARE=[])
    django.setup()
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
