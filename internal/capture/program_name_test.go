package capture

import "testing"

func TestNameProgram(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"npx db-migrate up":                     "db-migrate",
		"npx --yes db-migrate up":               "db-migrate",
		"./node_modules/.bin/knex migrate":      "knex",
		"pnpm exec sequelize-cli db:migrate":    "sequelize-cli",
		"npm run migrate":                       "npm",
		"yarn migrate":                          "yarn",
		"DATABASE_URL=x bundle exec rake db:up": "rake",
		"uv run alembic upgrade head":           "alembic",
		"python -m yoyo apply":                  "yoyo",
		"'bin/migrate' up":                      "migrate",
		"poetry run python manage.py migrate":   "manage.py",
		"env PGHOST=x psql_runner":              "psql_runner",
		"npx":                                   "npx",
		"go run ./cmd/migrate":                  "go",
	} {
		if got := findProgramName(command); got != want {
			t.Errorf("%s: %s, want %s", command, got, want)
		}
	}
}
