"""Attacks on what strangers reach: a customer with a link or a key, his receiver, his messages. Each was tried by hand first; what broke stays here."""

import base64
import hashlib
import hmac
import unittest

from harness import SharedDaemon, sms

SECRET = "whsec_" + base64.b64encode(b"hostile-secret-AbCdEfGh!").decode()


class Looking(SharedDaemon):
    """A link that may only look, against the endpoint's secret."""

    def setUp(self):
        super().setUp()
        self.base = f"/v1/projects/{self.pid}"
        self.api.endpoint(self.pid, "crm", url="http://127.0.0.1:9/", signature="standard_webhooks", secret=SECRET)
        self.by_link = self.linked(write=False)

    def linked(self, **wanted):
        token = self.api.post(f"{self.base}/portal_links", wanted).expect(201).json["token"]
        api = self.api.with_key(token)
        self.addCleanup(api.close)
        return api

    def test_templates_do_not_spell_it(self):
        """{SECRET} through pipes is no text that a mask knows."""
        wanted = {"endpoint_id": "crm", "settings": {"headers": {"X-Up": "{SECRET|upper}", "X-Low": "{SECRET|lower}", "X-Plain": "{SECRET}"}}}
        for api in (self.by_link, self.linked(write=True)):
            shown = api.post(f"{self.base}/draft/render", wanted).expect(200).json["requests"][0]["request"]["headers"]
            self.assertEqual({shown[name] for name in ("X-Up", "X-Low", "X-Plain")}, {"***"})

    def test_it_signs_nothing_of_his(self):
        """A request of the caller's making, signed for the receiver, would be a forged webhook."""
        def is_signed(request):
            head = request["headers"]
            text = f"{head['webhook-id']}.{head['webhook-timestamp']}.{request['body']}"
            key = base64.b64decode(SECRET.removeprefix("whsec_"))
            return head["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()

        def requests_of(api):
            drafted = api.post(f"{self.base}/draft/render", {"endpoint_id": "crm", "events": [sms("forged")]}).expect(200).json
            tried = api.post(f"{self.base}/endpoints/crm/render", {"event": sms("forged")}).expect(200).json
            return [drafted["requests"][0]["request"], tried["request"]]

        self.assertEqual([is_signed(r) for r in requests_of(self.by_link)], [False, False])
        self.assertEqual([is_signed(r) for r in requests_of(self.linked(write=True))], [True, True])


if __name__ == "__main__":
    unittest.main()
