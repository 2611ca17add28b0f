"""Writes tokens.json: tokens of every algorithm, made by PyJWT, which no code of Tidings takes part in.

    pip install 'PyJWT[crypto]'
    python3 make.py > tokens.json

The private keys are made anew each time and are not kept.
"""

import base64
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

CLAIMS = {
    "sub": "zoë",
    "exp": 253_402_300_000,
    "iat": 1_700_000_000,
    "nbf": 1_700_000_000,
    "jti": "a-token",
    "iss": "https://id.example",
    "aud": ["other", "tidings"],
    "subscribe": ["messaging:*"],
    "publish": ["messaging:lobby"],
    "send": [],
}


def pem(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def public(private, form, **more):
    return json.loads(form.to_jwk(private.public_key())) | more


def tokens():
    secret = "a secret of sixty-four bytes, which is what HS512 wants to have.."
    for name in ("HS256", "HS384", "HS512"):
        yield {"algorithm": name, "secret": secret, "token": jwt.encode(CLAIMS, secret, name)}
    for bits in (2048, 4096):
        key = rsa.generate_private_key(65537, bits)
        for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"):
            yield {
                "algorithm": name,
                "pem": pem(key),
                "jwk": public(key, RSAAlgorithm, kid=f"rsa-{bits}", use="sig"),
                "token": jwt.encode(CLAIMS, key, name, headers={"kid": f"rsa-{bits}"}),
            }
    for name, curve in (("ES256", ec.SECP256R1()), ("ES384", ec.SECP384R1())):
        key = ec.generate_private_key(curve)
        yield {
            "algorithm": name,
            "pem": pem(key),
            "jwk": public(key, ECAlgorithm, kid=name, alg=name),
            "token": jwt.encode(CLAIMS, key, name, headers={"kid": name}),
        }
    key = ed25519.Ed25519PrivateKey.generate()
    yield {
        "algorithm": "EdDSA",
        "pem": pem(key),
        "jwk": public(key, OKPAlgorithm, kid="ed", alg="EdDSA"),
        "token": jwt.encode(CLAIMS, key, "EdDSA", headers={"kid": "ed"}),
    }


def confused():
    """What an attacker makes who has the public key alone: HMACs under it, in the forms in which it may be kept."""
    key = rsa.generate_private_key(65537, 2048)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pkcs1 = key.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    forms = (pem(key).encode(), pem(key).strip().encode(), der, pkcs1)
    import hashlib
    import hmac

    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    for form in forms:
        for name, digest in (("HS256", hashlib.sha256), ("HS384", hashlib.sha384), ("HS512", hashlib.sha512)):
            header = encoded(json.dumps({"alg": name, "typ": "JWT"}).encode())
            message = f"{header}.{encoded(json.dumps(CLAIMS).encode())}"
            yield pem(key), public(key, RSAAlgorithm), f"{message}.{encoded(hmac.digest(form, message.encode(), digest))}"


weak = rsa.generate_private_key(65537, 1024)
p521 = ec.generate_private_key(ec.SECP521R1())
made = list(confused())
print(
    json.dumps(
        {
            "about": "Tokens made by PyJWT: see make.py.",
            "claims": CLAIMS,
            "tokens": list(tokens()),
            "confused": {"pem": made[0][0], "jwk": made[0][1], "tokens": [token for _, _, token in made]},
            "weak": [
                {"algorithm": "RS256", "pem": pem(weak), "jwk": public(weak, RSAAlgorithm)},
                {"algorithm": "ES256", "pem": pem(p521), "jwk": public(p521, ECAlgorithm)},
            ],
        },
        indent=1,
        ensure_ascii=False,
    )
)
