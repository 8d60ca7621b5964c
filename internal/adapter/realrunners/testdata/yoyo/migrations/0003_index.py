import yoyo

__transactional__ = False

yoyo.step("CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email)")
yoyo.step(None, "SELECT 1")
yoyo.step('VACUUM orders')
