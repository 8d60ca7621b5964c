from yoyo import group, step

group([
    step("CREATE TABLE a (id int)"),
    step("CREATE TABLE b (id int)"),
], ignore_errors="all")

for name in ("c", "d"):
    step("CREATE TABLE %s (id int)" % name)

step(f"CREATE TABLE {name} (id int)")
