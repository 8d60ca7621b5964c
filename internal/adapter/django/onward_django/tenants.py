"""Backends that keep a schema per tenant: django-tenants, django-tenant-schemas.

Their router lets an app migrate by the schema that the connection is set to, so
that the apps of tenants have no migration in the public one. All schemas of one
kind are alike: one stands for them.
"""


def schemas(connection):
    """What to call before an operation is rendered, one after the other until the routers let it."""
    if not (hasattr(connection, "set_schema") and hasattr(connection, "set_schema_to_public")):
        return [lambda: None]
    from django.conf import settings

    kinds = [kind for kind in getattr(settings, "TENANT_TYPES", None) or {} if kind != connection.schema_name]

    def tenant(kind):
        if kind is None:
            return lambda: connection.set_schema("onward_tenant")
        return lambda: connection.set_schema("onward_tenant", tenant_type=kind)

    return [connection.set_schema_to_public, *map(tenant, kinds or [None])]
