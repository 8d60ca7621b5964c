package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Compose files and Atlas projects say whether two services share a database. The second service's index is on a table that the first one
// makes in the release, or on an older one of this name in a database of its own.
func TestDatabasesOfFiles(t *testing.T) {
	t.Parallel()
	const (
		start = "-- svc/a/db/migration/V1__a.sql --\nCREATE TABLE first (id int PRIMARY KEY);\n" +
			"-- svc/b/db/migration/V1__b.sql --\nCREATE TABLE second (id int PRIMARY KEY);\n"
		orders = "-- svc/a/db/migration/V2__a.sql --\nCREATE TABLE orders (id int PRIMARY KEY, code text);\n" +
			"-- svc/b/db/migration/V3__b.sql --\nCREATE INDEX orders_code ON orders (code);\n"
		twice = "-- svc/a/db/migration/V2__a.sql --\nCREATE TABLE orders (id int PRIMARY KEY, code text);\n" +
			"-- svc/b/db/migration/V3__b.sql --\nCREATE TABLE orders (id int PRIMARY KEY, code text);\n"
		servers = "  db-a: {image: 'postgres:16'}\n  db-b: {image: 'postgis/postgis:16-3.4'}\n" +
			"  pool-a: {image: edoburu/pgbouncer}\n  pool-b: {image: edoburu/pgbouncer}\n" +
			"  shop: {image: 'mysql:8'}\n"
	)
	indent := func(lines string) string { return "      " + strings.ReplaceAll(lines, "\n", "\n      ") + "\n" }
	compose := func(a, b string) string {
		return "-- compose.yaml --\nservices:\n" + servers + "  a:\n    build: ./svc/a\n    environment:\n" +
			indent(a) + "  b:\n    build: {context: svc/b}\n    environment:\n" + indent(b)
	}
	atlas := func(text string) string {
		return strings.NewReplacer("svc/a/db/migration/V1__", "svc/a/db/migration/1_", "svc/b/db/migration/V1__", "svc/b/db/migration/1_").Replace(start) +
			"-- svc/a/db/migration/atlas.sum --\nh1:x\n-- svc/b/db/migration/atlas.sum --\nh1:y\n" + text
	}
	const (
		dirA, dirB = "  migration {\n    dir = \"file://svc/a/db/migration\"\n  }\n}\n",
			"  migration {\n    dir = \"file://svc/b/db/migration?format=atlas\"\n  }\n}\n"
		dev = "  dev = \"docker://postgres/16/dev\"\n"
	)
	blocking, fails := "error index-create-blocking", "error release-statement-fails"
	for name, tc := range map[string]struct {
		base, head, want string
		shared           bool
	}{
		"nothing": {start, orders, "", true},
		"two names on one server": {start + compose("DATABASE_URL: postgres://u:p@db-a:5432/a", "- DATABASE_URL=postgresql+asyncpg://u:p@db-a/b"), orders,
			blocking, false},
		"one name on two servers": {start + compose("DATABASE_URL: postgres://u:p@db-a/app", "DATABASE_URL: postgres://u:p@db-b/app"), orders,
			blocking, false},
		"one address in two variables": {
			start + compose("A_URL: postgres://a:p@db-a/app", "SPRING_DATASOURCE_URL: jdbc:postgresql://db-a:5432/app"), orders, "", true},
		"one address, and a table of both": {
			start + compose("A_URL: postgres://a:p@db-a/app", "B_URL: postgres://b:p@db-a/app"), twice, fails, true},
		"two addresses, and a table of both": {
			start + compose("A_URL: postgres://a:p@db-a/a", "B_URL: postgres://b:p@db-a/b"), twice, "", false},
		"one address, two schemas": {start + compose("A_URL: postgres://u:p@db-a/app?schema=a", "B_URL: postgres://u:p@db-a/app?schema=b"), orders,
			blocking, false},
		"one name on two poolers": {
			start + compose("A_URL: postgres://u:p@pool-a:6432/app", "B_URL: postgres://u:p@pool-b/app"),
			orders, "", true,
		},
		"one default of one variable": {
			start + compose("A_URL: postgres://u:p@db-a/${DB_NAME:-app}", "B_URL: postgres://u:p@db-a/${DB_NAME:-app}"), twice, fails, true},
		"one default of two variables": {
			start + compose("A_URL: postgres://u:p@db-a/${A_DB:-app}", "B_URL: postgres://u:p@db-a/${B_DB:-app}"), twice, "", false},
		"two defaults": {start + compose("A_URL: postgres://u:p@db-a/${A_DB:-a}", "B_URL: postgres://u:p@db-a/${B_DB:-b}"), orders, blocking, false},
		"two variables without values": {
			start + compose("A_URL: postgres://u:p@db-a/${A_DB}", "B_URL: postgres://u:p@db-a/${B_DB}"),
			orders, "", true,
		},
		"two values in a file": {start + "-- .env.example --\nA_DB=a\nB_DB=b\n" +
			compose("A_URL: postgres://u:p@db-a/${A_DB}", "B_URL: postgres://u:p@db-a/${B_DB}"), orders, blocking, false},
		"parts": {
			start + compose("DB_HOST: db-a\nDB_NAME: a\nDB_PORT: 5432", "PGHOST: db-a\nPGDATABASE: b"),
			orders, blocking, false,
		},
		"keywords": {start + compose("ConnectionStrings__Main: 'Host=db-a;Database=a;Username=u'", "DSN: 'host=db-a user=u dbname=b'"), orders,
			blocking, false},
		"another kind of server": {
			start + compose("DB_HOST: shop\nDB_NAME: a", "DB_HOST: db-b\nDB_NAME: b"),
			orders, "", true,
		},
		"two databases of a service": {start + compose("A_URL: postgres://u:p@db-a/a\nLOGS_URL: postgres://u:p@db-a/logs",
			"B_URL: postgres://u:p@db-a/b"), orders, "", true},
		"files of variables": {
			start + "-- deploy/docker-compose.prod.yml --\nservices:\n" +
				"  a: {build: ../svc/a, env_file: ../svc/a/.env}\n  b: {build: ../svc/b, env_file: [b.env]}\n" +
				"-- svc/a/.env.example --\nexport DATABASE_URL=\"postgres://u:p@x/a\"\n-- deploy/b.env --\nDATABASE_URL=postgres://u:p@x/b # ours\n", orders,
			blocking, false,
		},
		"commands": {
			start + "-- docker-compose.yml --\nservices:\n" + servers +
				"  ma:\n    image: flyway/flyway\n    volumes: ['./svc/a/db/migration:/flyway/sql:ro']\n" +
				"    command: -url=jdbc:postgresql://db-a/app migrate\n  mb:\n    image: flyway/flyway\n    volumes:\n" +
				"      - {type: bind, source: ./svc/b/db/migration, target: /flyway/sql}\n    command: [\"-url=jdbc:postgresql://db-b/app\", migrate]", orders,
			blocking, false,
		},
		"scripts of the servers": {
			start + "-- docker-compose.yml --\nservices:\n" +
				"  da:\n    image: postgres\n    volumes: [\"./svc/a/db/migration:/docker-entrypoint-initdb.d\", \"./svc/b:/x\"]\n" +
				"  d2:\n    image: postgres\n    volumes: [\"./svc/b/db/migration:/docker-entrypoint-initdb.d\"]\n", orders, blocking, false,
		},
		"a Dockerfile and a working directory": {
			start + "-- docker-compose.yml --\nservices:\n" + servers +
				"  a:\n    build: {context: ., dockerfile: svc/a/Dockerfile}\n    environment: [U=postgres://db-a/x]\n" +
				"  b:\n    image: node:22\n    volumes: ['.:/app']\n    working_dir: /app/svc/b\n" +
				"    environment: [U=postgres://db-b/x]\n", orders, blocking, false,
		},
		"a file of tests": {start + strings.Replace(compose("A_URL: postgres://u:p@db-a/a", "B_URL: postgres://u:p@db-a/b"), "compose.yaml",
			"docker-compose.test.yml", 1), orders, "", true},
		"one service for all": {
			start + "-- compose.yml --\nservices:\n  app:\n    build: .\n    environment: {DATABASE_URL: 'postgres://db/app'}\n",
			twice, fails, true,
		},
		"Atlas, two urls": {atlas("-- atlas.hcl --\nenv \"a\" {\n  url = \"postgres://u:p@db/a\"\n" + dev + dirA +
			"env \"b\" {\n  url = \"postgres://u:p@db/b\"\n" + dev + dirB),
			orders, blocking, false},
		"Atlas, one url": {atlas("-- atlas.hcl --\nenv \"a\" {\n  url = \"postgres://u:p@db/app\"\n" + dev + dirA +
			"env \"b\" {\n  url = \"postgres://v:p@db/app\"\n" + dev + dirB), twice, fails, true},
		"Atlas, two variables": {atlas("-- atlas.hcl --\nenv \"a\" {\n  url = getenv(\"A_URL\")\n" + dev + dirA +
			"env \"b\" {\n  url = \"${getenv(\"B_URL\")}\"\n" + dev + dirB),
			orders, blocking, false},
		"Atlas, unknown": {atlas("-- atlas.hcl --\nenv \"a\" {\n  url = var.a\n" + dev + dirA +
			"env \"b\" {\n  url = local.b\n" + dev + dirB), orders, "", true},
		"Atlas, blocks of two projects": {
			atlas("-- svc/a/atlas.hcl --\nenv \"local\" {\n  url = \"postgres://localhost/x\"\n" + strings.ReplaceAll(dirA, "svc/a/", "") +
				"env \"prod\" {\n  url = \"postgres://a.internal/app\"\n" + strings.ReplaceAll(dirA, "svc/a/", "") +
				"-- svc/b/atlas.hcl --\nenv \"prod\" {\n  url = \"postgres://b.internal/app\"\n" +
				strings.ReplaceAll(dirB, "svc/b/", "")), orders, blocking, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			head := tc.head
			if strings.HasPrefix(name, "Atlas") {
				head = strings.NewReplacer("/V2__", "/2_", "/V3__", "/3_").Replace(head)
			}
			r := changelog0(t, Config{Dir: repository(t, tc.base, head), Base: "main"})
			var errors []string
			for _, f := range found(r) {
				if strings.HasPrefix(f, "error") {
					errors = append(errors, strings.Join(strings.Fields(f)[:2], " "))
				}
			}
			if got := strings.Join(errors, ", "); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
			var numbers []int
			for _, runner := range r.Runners {
				numbers = append(numbers, runner.Database)
			}
			want := []int{1, 2}
			if tc.shared {
				want = []int{0, 0}
			}
			if diff := cmp.Diff(want, numbers); diff != "" {
				t.Errorf("the numbers of the databases: %s", diff)
			}
		})
	}
}
