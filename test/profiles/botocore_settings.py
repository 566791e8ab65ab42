# What botocore makes of AWS files and variables. In: on standard input a list of cases as JSON, each with its variables and
# a profile. Out: for each where STS is and how often it is tried, or `error`; which roles are assumed, by which keys; or
# which key signs where there is a container endpoint.

import json
import os
import sys

import botocore.credentials
import botocore.loaders
import botocore.session

# Its models of services are read once.
loader = botocore.loaders.create_loader()


class RecordingSts:
    """Answers AssumeRole with a key of its own, and keeps what was asked."""

    def __init__(self, calls, access_key):
        self.calls, self.access_key = calls, access_key

    def assume_role(self, **asked):
        self.calls.append({'by': self.access_key, **asked})
        name = f'session {len(self.calls)}'
        ends = '2099-01-01T00:00:00Z'
        return {'Credentials': dict(AccessKeyId=name, SecretAccessKey='s', SessionToken='t', Expiration=ends)}


def place_of_sts(session):
    client = session.create_client('sts', aws_access_key_id='AKIA', aws_secret_access_key='s')
    identity = client.meta.service_model.operation_model('GetCallerIdentity')
    endpoint = client._ruleset_resolver.construct_endpoint(identity, call_args={}, request_context={})
    return {
        'url': endpoint.url.rstrip('/'),
        'attempts': (client.meta.config.retries or {}).get('total_max_attempts'),
        'ca': session.get_config_variable('ca_bundle'),
    }


def assumed_roles(session, profile):
    calls = []

    def client(_service, aws_access_key_id, **_others):
        return RecordingSts(calls, aws_access_key_id)

    provider = botocore.credentials.AssumeRoleProvider(
        load_config=lambda: session.full_config,
        client_creator=client,
        cache={},
        profile_name=profile,
        profile_provider_builder=botocore.credentials.ProfileProviderBuilder(session),
    )
    credentials = provider.load()
    if credentials is None:
        process = botocore.credentials.ProcessProvider(profile, load_config=lambda: session.full_config)
        credentials = process.load()
    if credentials is None:
        raise LookupError('no credentials')
    credentials.get_frozen_credentials()
    return calls


def key_before_endpoint(session):
    for provider in botocore.credentials.create_credential_resolver(session).providers:
        if isinstance(provider, botocore.credentials.ContainerProvider):
            return None
        credentials = provider.load()
        if credentials is not None:
            return credentials.access_key


def answer(case):
    os.environ.clear()
    os.environ.update(case['variables'])
    asked = {
        'place': place_of_sts,
        'roles': lambda session: assumed_roles(session, case['profile']),
        'key': key_before_endpoint,
    }[case['ask']]
    session = botocore.session.Session(profile=case.get('profile'))
    session.register_component('data_loader', loader)
    try:
        return asked(session)
    except Exception as error:
        return {'error': f'{type(error).__name__}: {error}'}


json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)
