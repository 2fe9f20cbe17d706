"""A receiver as a customer has one: Debian's nginx that takes TLS 1.2 only, shows a self-signed certificate, requires a client
certificate and asks for basic authentication, all at once. Behind it stands a receiver of ours that keeps what nginx let through and
what nginx says about the connection."""

import os
import shutil
import socket
import subprocess
import unittest

from harness import Certificate, SharedDaemon, free_port, sms, wait_until

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
	access_log {folder}/access.log;
	client_body_temp_path {folder}/body;
	proxy_temp_path {folder}/proxy;
	fastcgi_temp_path {folder}/fastcgi;
	uwsgi_temp_path {folder}/uwsgi;
	scgi_temp_path {folder}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_protocols TLSv1.2;
		ssl_certificate {server.cert};
		ssl_certificate_key {server.key};
		ssl_client_certificate {ca.cert};
		ssl_verify_client on;
		auth_basic "push";
		auth_basic_user_file {folder}/users;
		location / {{
			proxy_pass http://127.0.0.1:{behind};
			proxy_set_header X-Protocol $ssl_protocol;
			proxy_set_header X-Client $ssl_client_s_dn;
			proxy_set_header X-User $remote_user;
		}}
	}}
}}
"""


def nginx_program():
    return shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def reachable(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@unittest.skipUnless(nginx_program(), "needs nginx (Debian: nginx-light)")
class Nginx(SharedDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.shared_folder()
        cls.behind = cls.shared_receiver()
        cls.certificate = Certificate(folder, "server", "127.0.0.1")
        cls.ca = Certificate(folder, "authority", ca=True)
        cls.client = Certificate(folder, "postrider", issuer=cls.ca)
        cls.stranger = Certificate(folder, "stranger")
        (folder / "users").write_text("push:{PLAIN}s-ecret\n")
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=(port := free_port()), server=cls.certificate, ca=cls.ca,
                                                                behind=cls.behind.port))
        cls.nginx = subprocess.Popen([nginx_program(), "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.end_nginx)
        wait_until(lambda: reachable(port) or cls.nginx.poll() is not None, "nginx listens")
        cls.url = f"https://127.0.0.1:{port}"

    @classmethod
    def end_nginx(cls):
        cls.nginx.terminate()
        cls.nginx.wait(30)

    def settings(self, **changes):
        settings = {"preset": "wiraya-callback", "url": f"{self.url}/{self.pid}", "body": '{"id":{ID},"to":"{RECIPIENT}"}',
                    "auth": {"username": "push", "password": "s-ecret"}, "headers": {"X-Tenant": "42"}, "retry": {"delays_s": []},
                    "tls": {"verify": "self_signed", "client_cert": self.client.pem, "client_key": self.client.key_pem}}
        tls = changes.pop("tls", {})
        settings.update(changes)
        settings["tls"].update(tls)
        return settings

    def attempt(self, **changes):
        """The one attempt at an endpoint of these settings."""
        self.api.endpoint(self.pid, "callback", **self.settings(**changes))
        self.api.events(self.pid, {**sms(1000007, to_number="46710000123"), "id": "e1"})
        return self.api.wait_attempts(self.pid, 1)[0]

    def arrives(self, **changes):
        attempt = self.attempt(**changes)
        self.assertEqual(attempt["outcome"], "ok", attempt)
        (got,) = self.behind.wait(1, f"/{self.pid}")
        self.assertEqual(got.body, b'{"id":1000007,"to":"46710000123"}')
        self.assertEqual((got.headers["X-Protocol"], got.headers["X-Client"], got.headers["X-User"], got.headers["X-Tenant"]),
                         ("TLSv1.2", "CN=postrider", "push", "42"))
        return attempt

    def fails(self, code, reason, **changes):
        attempt = self.attempt(**changes)
        self.assertEqual((attempt["outcome"], attempt["code"]), ("failed", code), attempt)
        self.assertRegex(attempt["reason"], reason)
        self.assertEqual(self.behind.at(f"/{self.pid}"), [])
        return attempt

    def test_everything_together(self):
        attempt = self.arrives()
        self.assertEqual(attempt["code"], 200)
        shown = str(attempt)
        self.assertNotIn("s-ecret", shown)
        self.assertNotIn("cy1lY3JldA", shown)  # nor in base64

    def test_the_right_pin(self):
        self.arrives(tls={"verify": self.certificate.pin})

    def test_wrong_pin_is_refused(self):
        self.fails("tls", "(?i)pin|key", tls={"verify": self.stranger.pin})

    def test_strict_refuses_self_signed(self):
        self.fails("tls", "signed itself", tls={"verify": "strict"})

    def test_strict_with_the_certificate_as_authority(self):
        self.arrives(tls={"verify": "strict", "ca": self.certificate.pem})

    def test_self_signed_still_means_the_right_name(self):
        receiver = self.receiver(tls=Certificate(self.folder(), "elsewhere", "elsewhere.example").server_context())
        self.fails("tls", "(?i)name|host|127.0.0.1", url=receiver.url("/"))

    def test_without_client_certificate(self):
        """nginx says 400 to that: the handshake goes through, the request does not."""
        attempt = self.fails(400, "400", tls={"client_cert": None, "client_key": None})
        self.assertIn("SSL certificate", attempt["response"]["body"])

    def test_strangers_client_certificate(self):
        self.fails(400, "400", tls={"client_cert": self.stranger.pem, "client_key": self.stranger.key_pem})

    def test_wrong_password(self):
        self.fails(401, "401", auth={"username": "push", "password": "wrong"})

    def test_newer_tls_only_finds_no_common_version(self):
        self.fails("tls", ".", tls={"min_version": "1.3"})

    def test_secrets_do_not_come_back(self):
        self.api.endpoint(self.pid, "callback", **self.settings())
        shown = self.api.get(f"/v1/projects/{self.pid}/endpoints/callback").expect(200)
        self.assertNotIn(b"s-ecret", shown.body)
        self.assertNotIn(b"PRIVATE KEY", shown.body)
        self.assertEqual(shown.json["auth"], {"username": "push", "password": "***"})

    def test_a_secret_shown_as_stars_is_kept(self):
        """What GET shows can be PUT again."""
        self.api.endpoint(self.pid, "callback", **self.settings())
        self.api.patch(f"/v1/projects/{self.pid}/endpoints/callback", {"name": "again", "auth": {"password": "***"}}).expect(200)
        self.api.events(self.pid, sms(1))
        self.behind.wait(1, f"/{self.pid}")


if __name__ == "__main__":
    unittest.main()
