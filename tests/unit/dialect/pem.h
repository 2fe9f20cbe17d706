/* A certificate with its key, the key of another one, and the first key encrypted. Made for these tests only:
 * openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 */
#ifndef TESTS_UNIT_DIALECT_PEM_H
#define TESTS_UNIT_DIALECT_PEM_H

static const char pem_cert[] = "-----BEGIN CERTIFICATE-----\n"
			       "MIIBdjCCAR2gAwIBAgIUHg4ZPHrvrBHsoyds+xlxX3f5dDEwCgYIKoZIzj0EAwIw\n"
			       "ETEPMA0GA1UEAwwGYS50ZXN0MB4XDTI2MTEyMTIxMjE1MVoXDTM2MTExODIxMjE1\n"
			       "MVowETEPMA0GA1UEAwwGYS50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"
			       "NHmS+0hp8wRoHJo9oqGT7PmIfcNJhsvNCYDDWJJL9l6KZqoh3r2621jQ6WWa4Snq\n"
			       "wEbFlmWbhLLWuPVhfFoHP6NTMFEwHQYDVR0OBBYEFHUJPDIy3l1zQ+vdlMd79hpJ\n"
			       "1BsyMB8GA1UdIwQYMBaAFHUJPDIy3l1zQ+vdlMd79hpJ1BsyMA8GA1UdEwEB/wQF\n"
			       "MAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgQ5YijMza7wZ1A7jQKRMG00AwJ9xBiflb\n"
			       "cCLM6R9lqJkCIGh6EXGxWGXHtTF5NyI/LHifr4OBSFfV5J3oOP+BOfeo\n"
			       "-----END CERTIFICATE-----\n";

static const char pem_key[] = "-----BEGIN PRIVATE KEY-----\n"
			      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgtdWdht5IU86FLxhV\n"
			      "AJVz2bkj8/ceo+iev7ZNnEmmrO6hRANCAAQ0eZL7SGnzBGgcmj2ioZPs+Yh9w0mG\n"
			      "y80JgMNYkkv2XopmqiHevbrbWNDpZZrhKerARsWWZZuEsta49WF8Wgc/\n"
			      "-----END PRIVATE KEY-----\n";

static const char pem_other_key[] = "-----BEGIN PRIVATE KEY-----\n"
				    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMFYOUh3NNdBNjcYx\n"
				    "nfNSh64dox4T1bGpxikJYM73O32hRANCAAR+7QaoQxfFWHXLFdNO9tm1Of3BgMXy\n"
				    "2PotRdZV3bLriUXAdTh+6XJ3hwcNf32t0MinOSrsUhP7TzCb2G9D+Rd3\n"
				    "-----END PRIVATE KEY-----\n";

static const char pem_encrypted_key[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
					"MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAigHK8FtZN9AwICCAAw\n"
					"DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEOsm88Ojo4NTvpPFW58nKkkEgZBX\n"
					"5O+A6IUhmUyhoOLy/BDbLzxIcnZ/2Du0aRyxuJyUUiF+X4gTfMAeyccnsp7TTCl1\n"
					"MUPkire4I9mK7x3dnS8lLwsCCBpDkaq/d/6fwRHxR14tuUciJGy+0lL6d6GApjmr\n"
					"6ghslHVKOWVKaLUAVd7ax1uv1mQ8qVy/SgmAsP0KhqTsgwFrUWGvbHYQIp3+3OA=\n"
					"-----END ENCRYPTED PRIVATE KEY-----\n";

#endif
