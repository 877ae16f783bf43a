"""A storage in memory whose requests OpenStack Swift authenticates (its s3api, AWS Signature Version 4).

Usage: storage.py <access key> <secret key> <region>. Prints its port.
"""
import sys

import eventlet
from eventlet import wsgi
from swift.common.middleware.s3api.s3request import SigV4Request
from swift.common.middleware.s3api.s3response import ErrorResponse, HTTPOk, NoSuchKey, SignatureDoesNotMatch
from swift.common.middleware.s3api.utils import Config

access_key, secret_key, region = sys.argv[1:]
config = Config({'location': region})
files = {}


def answer(environ):
    request = SigV4Request(environ, conf=config)
    if request.access_key != access_key or not request.check_signature(secret_key):
        raise SignatureDoesNotMatch()
    path = environ['PATH_INFO']
    if request.method == 'PUT':
        files[path] = environ['wsgi.input'].read()
        return HTTPOk()
    if path not in files:
        raise NoSuchKey(path)
    return HTTPOk(body=files[path])


def storage(environ, start_response):
    try:
        response = answer(environ)
    except ErrorResponse as error:
        response = error
    return response(environ, start_response)


socket = eventlet.listen(('127.0.0.1', 0))
print(socket.getsockname()[1], flush=True)
wsgi.server(socket, storage, log_output=False)
