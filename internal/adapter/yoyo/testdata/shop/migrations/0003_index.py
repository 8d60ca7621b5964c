import yoyo

__depends__ = {'0005_first'}
__transactional__ = False

yoyo.step(apply=r"CREATE INDEX CONCURRENTLY orders_email_idx ON orders (email)", rollback="DROP INDEX orders_email_idx -- way_down")
