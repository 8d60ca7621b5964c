package hook

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// databaseTool is a program that may lose a database's data.
type databaseTool struct {
	names []string
	// danger returns the harm of an invocation, as a clause; "" for none.
	danger func(a arguments) string
	// variables are the environment variables with the address, in the order of their priority. files are the tool's own settings, which may
	// have the address or the variable's name instead; nil if the tool reads its variables by itself.
	variables, files []string
	// libpq: it takes libpq's options and variables.
	libpq bool
}

// arguments are the arguments of a tool, without the program.
type arguments struct {
	all []word
	run *invocation
}

// listWords returns the arguments that are no options.
func (a arguments) listWords() []string {
	var out []string
	for _, w := range a.all {
		if !strings.HasPrefix(w.text, "-") {
			out = append(out, w.text)
		}
	}
	return out
}

func (a arguments) hasOption(options ...string) bool {
	return slices.ContainsFunc(a.all, func(w word) bool {
		name, _, _ := strings.Cut(w.text, "=")
		return slices.Contains(options, name)
	})
}

// containsWord reports whether one of the arguments is a word of a list.
func (a arguments) containsWord(words ...string) bool {
	return slices.ContainsFunc(a.listWords(), func(t string) bool { return slices.Contains(words, t) })
}

// isComputed reports whether the shell computes the first word, which is the tool's command.
func (a arguments) isComputed() bool {
	i := slices.IndexFunc(a.all, func(w word) bool { return !strings.HasPrefix(w.text, "-") || !w.known })
	return i >= 0 && !a.all[i].known && !strings.Contains(a.all[i].text, "://")
}

// dangerByWords returns the danger function of a tool whose commands are words. list has pairs of a command and its harm.
func dangerByWords(list ...string) func(arguments) string {
	return func(a arguments) string {
		if a.isComputed() {
			return "runs a command that the shell puts together"
		}
		text := " " + strings.ToLower(strings.Join(a.listWords(), " ")) + " "
		for i := 0; i+1 < len(list); i += 2 {
			if strings.Contains(text, " "+list[i]+" ") {
				return list[i+1]
			}
		}
		return ""
	}
}

// dangerByPattern makes a danger of a tool whose commands are one word.
func dangerByPattern(pattern, danger string) func(arguments) string {
	re := lazyregexp.New(`(?i)^(?:` + pattern + `)$`)
	return func(a arguments) string {
		if a.isComputed() {
			return "runs a command that the shell puts together"
		}
		if slices.ContainsFunc(a.listWords(), re.MatchString) {
			return danger
		}
		return ""
	}
}

const (
	reverts = "reverts migrations"
	empties = "deletes rows"
	drops   = "drops what the database holds"
)

var envFiles = []string{"*.ini", "*/env.py", "*/*/env.py"}

// databaseTools lists the tools. A test has each.
var databaseTools = []databaseTool{
	{names: []string{"psql", "pgcli", "pg_restore", "dropdb", "pg_dropcluster", "usql"}, danger: libpqDanger, libpq: true},
	{names: []string{"alembic"}, danger: func(a arguments) string {
		if a.hasOption("--sql") {
			return ""
		}
		return dangerByWords("downgrade", reverts)(a)
	}, variables: []string{"DATABASE_URL", "SQLALCHEMY_DATABASE_URI", "DB_URL", "POSTGRES_URL"}, files: envFiles},
	{
		names: []string{"flask"}, danger: flaskDanger,
		variables: []string{"DATABASE_URL", "SQLALCHEMY_DATABASE_URI"}, files: []string{"config.py", "*/config.py", "*/__init__.py", "app.py", "settings.py"},
	},
	{
		names: []string{"manage.py", "django-admin"}, danger: djangoDanger,
		variables: []string{"DATABASE_URL", "DB_URL", "POSTGRES_URL"}, files: []string{"*settings*.py", "*/*settings*.py",
			"*/settings/*.py", "*/*/settings/*.py"},
	},
	{names: []string{"rails", "rake"}, danger: railsDanger, variables: []string{"DATABASE_URL"}},
	{
		names: []string{"artisan"}, danger: artisanDanger,
		variables: []string{"DB_URL", "DATABASE_URL"},
	},
	{
		names: []string{"console", "doctrine", "doctrine-migrations"},
		danger: dangerByPattern(`(?:doctrine:|orm:|dbal:)?(?:schema(?:-tool)?:drop|database:drop|fixtures:load|migrations:rollup)|prev|first|0|`+
			`d\w*:(?:d\w*:d\w*|s\w*:d\w*|f\w*:l\w*)`, drops),
		variables: []string{"DATABASE_URL"},
	},
	{names: []string{"phinx"}, danger: dangerByWords("rollback", reverts), variables: []string{"DATABASE_URL"}, files: []string{"phinx.*"}},
	{names: []string{"prisma"}, danger: prismaDanger, variables: []string{"DIRECT_URL", "DATABASE_URL", "POSTGRES_PRISMA_URL"}, files: []string{
		"prisma/schema.prisma", "schema.prisma", "prisma/schema/*.prisma", "prisma.config.*",
	}},
	{names: []string{"drizzle-kit"}, danger: func(a arguments) string {
		if a.containsWord("push", "push:pg") && a.hasOption("--force") {
			return "pushes a schema and accepts the loss of data"
		}
		return ""
	}, variables: []string{"DATABASE_URL", "POSTGRES_URL"}, files: []string{"drizzle.config.*"}},
	{
		names: []string{"typeorm", "typeorm-ts-node-commonjs", "typeorm-ts-node-esm"}, danger: dangerByPattern(`schema:drop|schema:sync|migration:revert`, drops),
		variables: []string{"DATABASE_URL", "TYPEORM_URL", "POSTGRES_URL"},
		files:     []string{"ormconfig.*", "data-source.*", "*/data-source.*", "*/*/data-source.*", "*/*ormconfig*"},
	},
	{
		names: []string{"sequelize", "sequelize-cli"}, danger: dangerByPattern(`db:drop|db:migrate:undo(?::all)?|db:seed:undo(?::all)?`, drops),
		variables: []string{"DATABASE_URL"}, files: []string{".sequelizerc", "config/config.*", "config/database.*"},
	},
	{
		names: []string{"knex"}, danger: dangerByPattern(`migrate:(?:rollback|down)`, reverts),
		variables: []string{"DATABASE_URL", "POSTGRES_URL", "PG_CONNECTION_STRING"}, files: []string{"knexfile.*", "*/knexfile.*"},
	},
	{
		names: []string{"kysely", "kysely-ctl"}, danger: dangerByPattern(`(?:migrate:)?(?:rollback|down)`, reverts),
		variables: []string{"DATABASE_URL"}, files: []string{"kysely.config.*", ".config/kysely.config.*"},
	},
	{
		names: []string{"mikro-orm", "mikro-orm-esm"}, danger: dangerByPattern(`schema:(?:drop|fresh)|migration:(?:fresh|down)|database:drop`, drops),
		variables: []string{"DATABASE_URL"}, files: []string{"mikro-orm.config.*", "*/mikro-orm.config.*"},
	},
	{names: []string{"node-pg-migrate"}, danger: dangerByWords("down", reverts, "redo", reverts), variables: []string{"DATABASE_URL"}},
	{names: []string{"db-migrate"}, danger: dangerByWords("down", reverts, "reset", reverts, "db:drop", drops),
		variables: []string{"DATABASE_URL"}, files: []string{"database.json"}},
	{names: []string{"graphile-migrate"}, danger: dangerByWords("reset", drops), variables: []string{"DATABASE_URL"}},
	{names: []string{"goose"}, danger: dangerByPattern(`down|down-to|reset|redo`, reverts), variables: []string{"GOOSE_DBSTRING"}},
	{names: []string{"migrate"}, danger: dangerByPattern(`down|drop|goto`, reverts), variables: []string{}},
	{names: []string{"dbmate"}, danger: dangerByPattern(`drop|down|rollback`, drops), variables: []string{"DATABASE_URL"}},
	{names: []string{"tern"}, danger: func(a arguments) string {
		if a.containsWord("migrate", "m") && a.hasOption("-d", "--destination") {
			return "may revert migrations"
		}
		return ""
	}, variables: []string{"DATABASE_URL"}, files: []string{"tern.conf", "*/tern.conf"}, libpq: true},
	{names: []string{"flyway"}, danger: dangerByWords("clean", drops, "undo", reverts), variables: []string{"FLYWAY_URL"}, files: []string{
		"flyway.conf", "conf/flyway.conf", "flyway.toml", "flyway.user.toml", "conf/flyway.toml",
	}},
	{
		names: []string{"gradle", "gradlew", "mvn", "mvnw"},
		danger: dangerByPattern(`(?:.*:)?(?:flyway:?clean|flyway:?undo|liquibase:?dropall|dropall|liquibase:?rollback.*|flyway-maven-plugin:(?:.*:)?(?:clean|undo)|`+
			`liquibase-maven-plugin:(?:.*:)?rollback.*)`, drops),
		variables: []string{"FLYWAY_URL"}, files: []string{"build.gradle*", "pom.xml", "flyway.conf", "*/resources/application*", "*/*/resources/application*"},
	},
	{
		names: []string{"liquibase"}, danger: dangerByPattern(`drop-?all|rollback(?:-?to-?date|-?count|-?one-?update|-?one-?changeset)?`, drops),
		variables: []string{"LIQUIBASE_COMMAND_URL"}, files: []string{"liquibase.properties"},
	},
	{names: []string{"atlas"}, danger: atlasDanger, variables: []string{}},
	{names: []string{"sqitch"}, danger: dangerByWords("revert", reverts, "rebase", reverts, "checkout", reverts), variables: []string{}},
	{names: []string{"diesel"}, danger: dangerByWords("migration revert", reverts, "migration redo", reverts, "database reset", drops, "database drop", drops,
		"db reset", drops, "db drop", drops), variables: []string{"DATABASE_URL"}},
	{names: []string{"sqlx"}, danger: dangerByWords("database drop", drops, "database reset", drops, "migrate revert", reverts,
		"db drop", drops, "db reset", drops, "mig revert", reverts), variables: []string{"DATABASE_URL"}},
	{names: []string{"sea-orm-cli"}, danger: dangerByWords("migrate down", reverts, "migrate fresh", drops, "migrate refresh", drops, "migrate reset", reverts),
		variables: []string{"DATABASE_URL"}},
	{names: []string{"mix"}, danger: dangerByPattern(`ecto\.(?:drop|reset|rollback),?`, drops), variables: []string{"DATABASE_URL"}, files: []string{"config/*.exs"}},
	{names: []string{"dotnet", "dotnet-ef"}, danger: func(a arguments) string {
		if danger := dangerByWords("database drop", drops, "database update 0", reverts)(a); danger != "" {
			return danger
		}
		if i := slices.Index(a.listWords(), "update"); i > 0 && a.listWords()[i-1] == "database" && i+1 < len(a.listWords()) {
			return "may revert migrations"
		}
		return ""
	}, variables: []string{"ConnectionStrings__DefaultConnection"}, files: []string{"appsettings*.json", "*/appsettings*.json"}},
	{names: []string{"supabase"}, danger: dangerByWords("db reset", drops, "migration down", reverts), variables: []string{}},
	{names: []string{"hasura"}, danger: func(a arguments) string {
		if a.containsWord("migrate") && (a.hasOption("--down", "--goto") || strings.Contains(strings.ReplaceAll(joinWords(a.all).text, "=", " "), "--type down")) {
			return reverts
		}
		return ""
	}, variables: []string{}},
	{names: []string{"pg:reset", "pg:psql", "pg:copy"}, danger: func(arguments) string { return drops }, variables: []string{}},
	{names: []string{"yoyo"}, danger: dangerByWords("rollback", reverts, "reapply", reverts), variables: []string{}, files: []string{"yoyo.ini"}},
	{names: []string{"aerich"}, danger: dangerByWords("downgrade", reverts), variables: []string{"DATABASE_URL"},
		files: []string{"*/settings.py", "settings.py", "*/config.py"}},
	{names: []string{"docker", "docker-compose", "podman", "podman-compose", "nerdctl"}, danger: volumeDanger},
	{names: []string{codeRun}, danger: codeDanger, variables: []string{}},
}

// findTool returns the tool with a name; nil for none.
func findTool(name string) *databaseTool {
	for i := range databaseTools {
		if slices.Contains(databaseTools[i].names, name) {
			return &databaseTools[i]
		}
	}
	return nil
}

var (
	databaseWords = lazyregexp.New(`(?i)\b(psql|pgcli|usql|pg_restore|pg_dropcluster|dropdb|alembic|flask|manage\.py|` +
		`django|rails|rake|artisan|console|doctrine|phinx|` +
		`prisma|drizzle-kit|typeorm|sequelize|knex|kysely|mikro-orm|node-pg-migrate|db-migrate|graphile-migrate|goose|migrate|dbmate|tern|flyway|gradlew?|mvnw?|` +
		`liquibase|atlas|sqitch|diesel|sqlx|sea-orm-cli|mix|dotnet|supabase|hasura|pg:(?:reset|psql|copy)|yoyo|aerich|drop|truncate)|flyway|liquibase|dropall`)
	// scriptWords are words of commands that run a script of the project.
	scriptWords = lazyregexp.New(`\b(make|gmake|just|npm|yarn|pnpm|bun|composer|source|bash|sh|zsh|volumes?|down)\b|\.sh\b|^\s*\.|[;&|(]\s*\.|\./`)
)

// namesDatabase reports whether a script names a tool for databases, or a word that destroys.
func namesDatabase(text string) bool { return databaseWords.MatchString(text) }

// djangoDanger knows the commands of manage.py.
func djangoDanger(a arguments) string {
	list := a.listWords()
	switch {
	case a.isComputed():
		return "runs a command that the shell puts together"
	case len(list) == 0:
		return ""
	case slices.Contains([]string{"flush", "reset_db", "reset_schema", "drop_test_database", "clean_db"}, list[0]):
		return empties
	case list[0] == "sqlflush", a.hasOption("--plan", "--check", "--fake", "--list"):
		return ""
	case list[0] == "migrate" && len(list) > 2:
		if list[2] == "zero" {
			return reverts
		}
		return "may revert migrations"
	case list[0] == "dbshell":
		return sqlDanger(a.run, psqlQueries(a.all, a.run.stdin))
	case list[0] == "shell" || list[0] == "shell_plus":
		return findProgramDamage(a)
	}
	return ""
}

var railsTasks = lazyregexp.New(`^(?:[a-z_]+:)?db:(?:drop(?::.+)?|reset(?::.+)?|purge(?::.+)?|rollback(?::.+)?|` +
	`setup(?::.+)?|migrate:(?:reset|down|redo|rollback)(?::.+)?|` +
	`schema:load(?::.+)?|structure:load(?::.+)?|truncate_all|seed:replant|recreate|nuke)$`)

// railsDanger knows the tasks of Rails.
func railsDanger(a arguments) string {
	list := a.listWords()
	if a.isComputed() {
		return "runs a command that the shell puts together"
	}
	for i, t := range list {
		switch {
		case railsTasks.MatchString(t):
			return drops
		case strings.HasPrefix(t, "db:migrate") && (hasVersionArgument(list) || a.run.env["VERSION"].text != ""):
			return "may revert migrations"
		case (t == "runner" || t == "r") && i == 0:
			return findCodeDamage(joinWords(a.all).text)
		case (t == "dbconsole" || t == "db") && i == 0:
			return sqlDanger(a.run, psqlQueries(nil, a.run.stdin))
		case (t == "console" || t == "c") && i == 0 && a.run.stdin != nil:
			return findCodeDamage(a.run.stdin.text)
		}
	}
	return ""
}

func hasVersionArgument(list []string) bool {
	return slices.ContainsFunc(list, func(t string) bool { return strings.HasPrefix(t, "VERSION=") })
}

// prismaDanger knows the commands of Prisma.
func prismaDanger(a arguments) string {
	switch {
	case a.isComputed():
		return "runs a command that the shell puts together"
	case dangerByWords("migrate reset", drops)(a) != "":
		return drops
	case a.containsWord("push") && a.hasOption("--force-reset", "--accept-data-loss"):
		return "pushes a schema and accepts the loss of data"
	case a.containsWord("execute") && a.containsWord("db"):
		var list []query
		for i, w := range a.all {
			if w.text == "--file" && i+1 < len(a.all) {
				list = append(list, query{file: &a.all[i+1]})
			}
			if file, ok := strings.CutPrefix(w.text, "--file="); ok {
				list = append(list, query{file: &word{file, w.known}})
			}
		}
		if a.hasOption("--stdin") {
			list = append(list, query{text: a.run.stdin})
		}
		return sqlDanger(a.run, list)
	}
	return ""
}

var flaskCommands = dangerByWords("db downgrade", reverts, "db drop", drops)

// flaskDanger knows the commands of Flask.
func flaskDanger(a arguments) string {
	if a.containsWord("shell") && a.run.stdin != nil {
		return findCodeDamage(a.run.stdin.text)
	}
	return flaskCommands(a)
}

var artisanCommands = dangerByPattern(`migrate:(?:fresh|reset|refresh|rollback)|db:wipe|schema:drop`, drops)

// findProgramDamage returns the damage of code that a command gets as its words or its input.
func findProgramDamage(a arguments) string {
	code := joinWords(a.all)
	if a.run.stdin != nil {
		code = joinWords([]word{code, *a.run.stdin})
	}
	return findCodeDamage(code.text)
}

// artisanDanger knows the commands of Laravel's artisan.
func artisanDanger(a arguments) string {
	if danger := artisanCommands(a); danger != "" {
		return danger
	}
	if a.containsWord("tinker") {
		return findProgramDamage(a)
	}
	return ""
}

// atlasDanger knows the commands of Atlas.
func atlasDanger(a arguments) string {
	if danger := dangerByWords("schema clean", drops, "migrate down", reverts)(a); danger != "" {
		return danger
	}
	if a.containsWord("apply") && a.containsWord("schema") && a.hasOption("--auto-approve") {
		return "changes the schema without asking"
	}
	return ""
}

// codeDanger knows code on the command line.
func codeDanger(a arguments) string {
	if len(a.all) == 0 || !speaksToDatabase.MatchString(a.all[0].text) {
		return ""
	}
	return findCodeDamage(a.all[0].text)
}

var (
	speaksToDatabase = lazyregexp.New(`(?i)psycopg|asyncpg|sqlalchemy|django|\bpg\b|postgres|knex|prisma|sequelize|typeorm|\bdb\b|` +
		`pdo|\bActiveRecord\b|engine|connection|cursor|execute|` +
		"\\bquery\\w*\\(|\\bsql\\s*[(`]|\\bdbi\\b|subprocess|popen|child_process|exec(?:sync)?\\(|\\bsystem\\b|^`")
	destroysInCode = lazyregexp.New(`(?i)\bdrop\s+(?:database|schema|table|owned)\b|\btruncate\b|\bdelete\s+from\b|` +
		`drop_all\s*\(|\.(?:delete|destroy)_all\b|` +
		`objects\.all\(\)\.delete\(|deleteMany\(\s*(?:\{\s*\})?\s*\)|flush|drop_table|migrate:(?:fresh|reset)|` +
		`(?:->|::|\.)truncate\(\s*\)|(?:query\(\)|table\([^()]*\))->delete\(\s*\)|Schema::drop|\bdropdb\b|\bdb:(?:drop|reset)\b|migrate['", ]+reset`)
)

// findCodeDamage returns what a program's text destroys.
func findCodeDamage(text string) string {
	if destroysInCode.MatchString(text) {
		return "runs code that destroys data"
	}
	return ""
}
