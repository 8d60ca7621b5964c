package adapter

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// unreadProgram is a tool whose migrations are programs.
type unreadProgram struct {
	tool string
	// file matches the names of its migrations, and word is in each of them; "" if the names are enough.
	file *lazyregexp.Regexp
	word string
}

// unreadPrograms are such tools, by the endings of their files. Of two with the same names of files, the first whose word is in the text
// counts.
var unreadPrograms = map[string][]unreadProgram{
	".exs": {{"Ecto", lazyregexp.New(`^\d`), ""}},
	".cs": {
		{"EF Core", lazyregexp.New(`^\d{14}_\w+\.cs$`), "migrationBuilder"},
		{"FluentMigrator", lazyregexp.New(`^\w+\.cs$`), "FluentMigrator"},
	},
	".php": {
		{"Laravel", lazyregexp.New(`^\d{4}_\d\d_\d\d_\d{6}_\w+\.php$`), `Illuminate\Database\Migrations\Migration`},
		{"Doctrine", lazyregexp.New(`^Version\w+\.php$`), `Doctrine\Migrations\AbstractMigration`},
		{"Phinx", lazyregexp.New(`^\d{14}_\w+\.php$`), `Phinx\Migration\`},
		{"CakePHP", lazyregexp.New(`^\d{14}_\w+\.php$`), `use Migrations\`},
		{"Yii", lazyregexp.New(`^[mM]\d{6}_?\d{6}\w*\.php$`), `yii\db\Migration`},
		{"CodeIgniter", lazyregexp.New(`^\d[\d-]*_\w+\.php$`), `CodeIgniter\Database\Migration`},
	},
	".py": {
		{"Peewee", lazyregexp.New(`^\d{3}_\w+\.py$`), "def migrate(migrator"},
		{"Piccolo", lazyregexp.New(`^\w+_\d{4}_\d\d_\d\dt[\w-]+\.py$|^\d{4}-\d\d-\d\dT[\w-]+\.py$`), "MigrationManager"},
		{"Aerich", lazyregexp.New(`^\d+_\d{14}_\w+\.py$`), "BaseDBAsyncClient"},
	},
	".rs": {{"SeaORM", lazyregexp.New(`^m\d{8}_\d{6}_\w+\.rs$`), "MigrationTrait"}},
	".rb": {
		{"Sequel", lazyregexp.New(`^\d+_\w+\.rb$`), "Sequel.migration"},
		{"Hanami", lazyregexp.New(`^\d+_\w+\.rb$`), "ROM::SQL.migration"},
	},
	".fizz":  {{"Fizz", lazyregexp.New(`^\d+_[\w.-]+\.up\.fizz$`), ""}},
	".swift": {{"Fluent", lazyregexp.New(`^\w+\.swift$`), "AsyncMigration"}},
}

// inMigrations matches the directories of such files.
var inMigrations = lazyregexp.New(`(?i)(?:^|/)[^/]*migrat[^/]*(?:/[^/]+)?$`)

// maxUnreadSamples is how many files of a directory are read to find its tool.
const maxUnreadSamples = 3

// unreadProgramOf returns the tool of a migration in a directory; nil if it is none of these. samples counts the files that were read.
func unreadProgramOf(t Tree, p string, samples map[string]int) *unreadProgram {
	dir, name := path.Split(p)
	list := unreadPrograms[path.Ext(name)]
	if len(list) == 0 || !pgparse.ContainsFold(dir, "migrat") || !inMigrations.MatchString(strings.TrimSuffix(dir, "/")) {
		return nil
	}
	text := ""
	for i := range list {
		if !list[i].file.MatchString(name) {
			continue
		}
		if list[i].word != "" && text == "" {
			if samples[dir]++; samples[dir] > maxUnreadSamples {
				return nil
			}
			text = ReadFile(t, p).Text
		}
		if strings.Contains(text, list[i].word) && !isForeignProgram(t, list[i].tool, dir) {
			return &list[i]
		}
	}
	return nil
}

// otherProvider matches the names of databases in a snapshot of EF Core's model.
var otherProvider = lazyregexp.New(`SqlServer|MySql|Sqlite|Oracle`)

// otherConnection matches Laravel's setting for another database.
var otherConnection = lazyregexp.New(`(?m)^DB_CONNECTION=(?:mysql|mariadb|sqlsrv)\b`)

// isForeignProgram reports whether a tool's settings say that its migrations are for another database than Postgres.
func isForeignProgram(t Tree, tool, dir string) bool {
	switch tool {
	case "EF Core":
		for _, name := range ListDir(t, strings.TrimSuffix(dir, "/"), "ModelSnapshot.cs").Names {
			if text := ReadFile(t, dir+name).Text; !strings.Contains(text, "Npgsql") && otherProvider.MatchString(text) {
				return true
			}
		}
	case "Laravel":
		if p, ok := NearestFile(t, strings.TrimSuffix(dir, "/"), ".env.example"); ok {
			return otherConnection.MatchString(ReadFile(t, p).Text)
		}
	}
	return false
}
