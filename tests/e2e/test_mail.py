"""Mails in a real mailbox: Debian's aiosmtpd takes what the daemon sends, with TLS and a login where that is wanted."""

import email
import email.policy
import logging
import threading
import time
import unittest

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from harness import PATIENCE, Case, Certificate, free_port, postrider, sms, wait_until

FROM = "postrider@example.org"
logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd tells of its own plans


class Mailbox:
    """An SMTP server that keeps what it takes. `refuse`: what it answers to RCPT, for an address."""

    def __init__(self, tls=None, implicit=None, login=None, port=0):
        self.mails, self.changed, self.refuse, self.logins = [], threading.Condition(), {}, []
        options = {}
        if tls:
            options = {"tls_context": tls, "require_starttls": True}
        if login:
            options |= {"authenticator": self._check, "auth_required": True, "auth_require_tls": True}
        self.login = login
        # Controller wants to know its port before it is started
        self.port = port or free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ssl_context=implicit, **options)
        self.controller.start()

    def _check(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=self.logins[-1] == self.login)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.original_content or envelope.content, policy=email.policy.default)
        mail.text = mail.get_content().replace("\r\n", "\n")
        mail.sender, mail.recipients, mail.secure = envelope.mail_from, envelope.rcpt_tos, session.ssl is not None
        with self.changed:
            self.mails.append(mail)
            self.changed.notify_all()
        return "250 taken"

    def to(self, address, subject=""):
        with self.changed:
            return [m for m in self.mails if m["To"] == address and subject in m["Subject"]]

    def wait(self, address, subject="", count=1):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.to(address, subject)) >= count, PATIENCE):
                seen = [(m["To"], m["Subject"]) for m in self.mails]
                raise AssertionError(f"no {count} mails to {address} with {subject!r}, but {seen}")
        return self.to(address, subject)

    def close(self):
        self.controller.stop()


class Mails(Case):
    def mailbox(self, **more):
        made = Mailbox(**more)
        self.addCleanup(made.close)
        return made

    def with_mail(self, port, *options, tls="none", **more):
        return self.daemon("--smtp-host", "127.0.0.1", "--smtp-port", port, "--smtp-tls", tls, "--smtp-from", FROM, *options, **more)

    def daemon(self, *options, **more):
        return super().daemon(*map(str, options), **more)

    def fails(self, api, receiver, pid="shop", eid="crm", **settings):
        api.project(pid, **{"name": "Åsas affär", "notify_emails": ["ops@example.org", "boss@example.org"], "timezone": "Europe/Stockholm", **settings})
        api.endpoint(pid, eid, url=receiver.url("/hook") + "?key=SECRET", retry={"delays_s": [0.2], "jitter": 0})

    def test_failing_endpoint(self):
        """At once on the first failure, then nothing while it goes on failing, then once that it works again."""
        box, receiver = self.mailbox(), self.receiver(503)
        api = self.with_mail(box.port).api()
        self.fails(api, receiver)
        api.events("shop", [{"id": "e1", **sms("m1")}])
        mail = box.wait("ops@example.org", "is failing")[0]
        box.wait("boss@example.org", "is failing")
        self.assertEqual(mail["Subject"], '[Åsas affär] endpoint "crm" is failing')
        self.assertEqual((mail.sender, mail.recipients, mail["From"].addresses[0].addr_spec), (FROM, ["ops@example.org"], FROM))
        self.assertLess(abs(mail["Date"].datetime.timestamp() - time.time()), 60)
        self.assertRegex(mail["Message-ID"], r"^<ML\w+@example.org>$")
        text = mail.text
        self.assertIn(receiver.url("/hook") + "\n", text)
        self.assertIn("HTTP 503", text)
        self.assertIn("(Europe/Stockholm)", text)
        self.assertIn("/v1/projects/shop/attempts?endpoint_id=crm", text)
        self.assertNotIn("SECRET", text)
        receiver.wait(8)
        self.assertEqual(len(box.mails), 2)
        receiver.answer = 200
        api.wait_state("shop", "e1", "crm", "delivered")
        mail = box.wait("ops@example.org", "works again")[0]
        box.wait("boss@example.org", "works again")
        self.assertIn("times, since the mail before", mail.text)
        self.assertEqual(len(box.mails), 4)

    def test_digest(self):
        """While it goes on failing, one mail a digest, which says how often."""
        box, receiver = self.mailbox(), self.receiver(503)
        api = self.with_mail(box.port, "--mail-digest-s", "1").api()
        self.fails(api, receiver)
        begun = time.monotonic()
        api.events("shop", [{"id": "e1", **sms("m1")}])
        mails = box.wait("ops@example.org", "is still failing", 2)
        self.assertGreater(time.monotonic() - begun, 1.9)
        self.assertEqual(len(box.to("ops@example.org", "is failing")), 1)
        for mail in mails:
            self.assertRegex(mail.text, r"Failed attempts: ([2-9]|\d\d) times, since the mail before")

    def test_several(self):
        """Whose endpoints fail is told, and nobody else; an address that is refused keeps nobody else from it."""
        box, receiver = self.mailbox(), self.receiver(500)
        box.refuse["ops@example.org"] = "550 5.1.1 no such user"
        daemon = self.with_mail(box.port)
        api = daemon.api()
        self.fails(api, receiver)
        self.fails(api, receiver, pid="bank", name="Bank", notify_emails=["bank@example.org"])
        self.fails(api, receiver, pid="quiet", notify_emails=[])
        for pid in ("shop", "bank", "quiet"):
            api.events(pid, [{"id": "e1", **sms("m1")}])
        box.wait("boss@example.org")
        self.assertEqual(box.wait("bank@example.org")[0]["Subject"], '[Bank] endpoint "crm" is failing')
        wait_until(lambda: "mail given up" in daemon.log and "550 5.1.1 no such user" in daemon.log, lambda: f"a line on the refused mail in {daemon.log}")
        self.assertEqual(sorted(m["To"] for m in box.mails), ["bank@example.org", "boss@example.org"])

    def test_starttls_and_login(self):
        folder = self.folder()
        certificate = Certificate(folder, "smtp", "127.0.0.1")
        box = self.mailbox(tls=certificate.server_context(), login=("rider", "pass word"))
        secret = folder / "password"
        secret.write_text("pass word\nand nothing of this\n")
        receiver = self.receiver(500)
        api = self.with_mail(box.port, "--smtp-user", "rider", "--smtp-password-file", secret, "--smtp-ca", certificate.cert, tls="starttls").api()
        self.fails(api, receiver)
        api.events("shop", [{"id": "e1", **sms("m1")}])
        self.assertTrue(box.wait("ops@example.org")[0].secure)
        self.assertEqual(set(box.logins), {("rider", "pass word")})

    def test_tls_from_the_first_byte(self):
        certificate = Certificate(self.folder(), "smtp", "127.0.0.1")
        box, receiver = self.mailbox(implicit=certificate.server_context()), self.receiver(500)
        api = self.with_mail(box.port, "--smtp-ca", certificate.cert, tls="tls").api()
        self.fails(api, receiver)
        api.events("shop", [{"id": "e1", **sms("m1")}])
        box.wait("ops@example.org")

    def test_strangers_certificate(self):
        """A server that nobody vouches for hears nothing of the mail, and the log says why."""
        box, receiver = self.mailbox(implicit=Certificate(self.folder(), "smtp", "127.0.0.1").server_context()), self.receiver(500)
        daemon = self.with_mail(box.port, tls="tls")
        api = daemon.api()
        self.fails(api, receiver)
        api.events("shop", [{"id": "e1", **sms("m1")}])
        wait_until(lambda: "mails cannot be sent" in daemon.log, lambda: f"a line on the server in {daemon.log}")
        self.assertIn("certificate", daemon.log)
        self.assertEqual(box.mails, [])

    def test_no_server(self):
        """A server that is not there: deliveries go on, what is to be mailed waits over a restart."""
        receiver = self.receiver([503, 200])
        port = free_port()
        daemon = self.with_mail(port)
        api = daemon.api()
        self.fails(api, receiver)
        api.events("shop", [{"id": "e1", **sms("m1")}])
        api.wait_state("shop", "e1", "crm", "delivered")
        wait_until(lambda: "mails cannot be sent" in daemon.log, lambda: f"a line on the server in {daemon.log}")
        daemon.stop()
        late = self.mailbox(port=port)
        daemon.start()
        late.wait("ops@example.org", "is failing")
        late.wait("boss@example.org", "is failing")

    def project(self, api, **settings):
        """A project with a phone; returns its id."""
        api.project("shop", notify_emails=["ops@example.org"], **settings)
        return api.post("/v1/projects/shop/phones", {"name": "Line", "phone_type": "test", "phone_number": "+15550001"}).expect(200).json["id"]

    def service(self, api, **settings):
        return api.post("/v1/projects/shop/services", settings).expect(200).json["id"]

    def received(self, api, phone, content):
        api.post("/v1/projects/shop/messages/receive", {"phone_id": phone, "from_number": "+16505550123", "content": content}).expect(200)

    def test_rule(self):
        """A rule's mail: what the sender wrote stands where it was put, and nowhere else."""
        box = self.mailbox()
        api = self.with_mail(box.port).api()
        phone = self.project(api)
        action = {"type": "email", "to": "shop@example.org", "subject": "Order: [[content]]", "text": "From [[from_number]]:\n\n[[content]]\n"}
        self.service(api, name="Orders", service_type="custom_actions", config={"actions": [action]})
        self.received(api, phone, "2 pizzor, tack! 🍕\r\nBcc: x@example.org\n.\nQUIT")
        mail = box.wait("shop@example.org")[0]
        self.assertEqual(mail["Subject"], "Order: 2 pizzor, tack! 🍕  Bcc: x@example.org . QUIT")
        self.assertIsNone(mail["Bcc"])
        self.assertEqual(mail.text, "From +16505550123:\n\n2 pizzor, tack! 🍕\nBcc: x@example.org\n.\nQUIT\n")

    def test_failing_service(self):
        """A service is called by its name, and the error as the debugging section has it."""
        box, receiver = self.mailbox(), self.receiver(403)
        api = self.with_mail(box.port).api()
        phone = self.project(api, name="Shop")
        config = {"url": receiver.url("/hook"), "secret": "s", "ports": None}
        sid = self.service(api, name="Orders", service_type="incoming_message_webhook", config=config)
        self.received(api, phone, "Hello")
        mail = box.wait("ops@example.org")[0]
        self.assertEqual(mail["Subject"], f'[Shop] service "Orders" ({sid}) is failing')
        self.assertIn("HTTP 403: the secret in the script and the one of the service differ", mail.text)
        self.assertIn(receiver.url("/hook") + "\n", mail.text)

    def test_settings(self):
        """What is wrong with them is said before anything starts, with the cure."""
        for options, where, part in (
            (["--smtp-from", FROM], "--smtp-from", "give smtp_host"),
            (["--smtp-host", "127.0.0.1"], "--smtp-host", "give smtp_from"),
            (["--smtp-host", "127.0.0.1", "--smtp-from", FROM, "--smtp-ca", "/nowhere.pem"], "--smtp-ca", "cannot read"),
            (["--smtp-host", "127.0.0.1", "--smtp-from", FROM, "--smtp-user", "x", "--smtp-password-file", "/nowhere"], "--smtp-password-file", "cannot read"),
        ):
            with self.subTest(options):
                done = postrider("serve", "--data", self.folder() / "data", "--listen", "127.0.0.1:0", *options)
                self.assertEqual(done.returncode, 2, done)
                self.assertTrue(done.stderr.startswith(f"postrider serve: {where}: "), done.stderr)
                self.assertIn(part, done.stderr)


if __name__ == "__main__":
    unittest.main()
