package rails

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// project is what an application says outside its migrations.
type project struct {
	tree adapter.Tree
	// root is its directory.
	root string
	// datetime is the SQL type of :datetime since 7.0. unlogged is set if new tables are.
	datetime string
	unlogged bool
	// library is the version of Active Record that it has; the newest if that is not known.
	library version
	// foreign is the database other than Postgres that it uses.
	foreign string
}

var (
	datetimeType = lazyregexp.New(`\bdatetime_type\s*=\s*:(\w+)`)
	library      = lazyregexp.New(`(?m)^    activerecord \((\d+\.\d+)`)
	unlogged     = lazyregexp.New(`\bcreate_unlogged_tables\s*=\s*true`)
	driver       = lazyregexp.New(`(?m)^(?:    |\s*gem\s*\(?\s*["'])(pg|mysql2|trilogy|sqlite3|activerecord-sqlserver-adapter|` +
		`activerecord-oracle_enhanced-adapter)(?:["']| \()`)
	// scoped matches what may change the statements of a model's rows, or its table.
	scoped = lazyregexp.New(`\b(?:default_scope|acts_as_paranoid|table_name|abstract_class|establish_connection|connects_to|self\.inheritance_column)\b`)
	model  = lazyregexp.New(`(?m)^\s*class\s+(?:::)?([\w:]+)\s*<\s*(?:::)?(?:ApplicationRecord|ActiveRecord::Base)\b`)
)

// drivers are the databases of the gems that speak to them.
var drivers = map[string]string{
	"mysql2": "MySQL", "trilogy": "MySQL", "sqlite3": "SQLite", "activerecord-sqlserver-adapter": "SQL Server", "activerecord-oracle_enhanced-adapter": "Oracle",
}

// newestVersion is assumed of an application that does not say which version it has.
const newestVersion = version(801)

// settingFiles are the files in which an application usually sets how Active Record works.
var settingFiles = []string{
	"config/application.rb", "config/environments/production.rb", "config/initializers/postgresql.rb", "config/initializers/active_record.rb",
}

// readProject reads the application to which a directory of migrations belongs.
func readProject(t adapter.Tree, dir string) *project {
	root := ""
	if i := strings.LastIndex("/"+dir, "/db/"); i > 0 {
		root = dir[:i-1]
	}
	return adapter.Memoize(t, "rails project "+root, func() *project {
		p := &project{tree: t, root: root, datetime: "timestamp", library: newestVersion}
		if lock := path.Join(root, "Gemfile.lock"); adapter.HasFile(t, lock) {
			if m := library.FindStringSubmatch(adapter.ReadFile(t, lock).Text); m != nil {
				p.library = parseVersion(m[1])
			}
		}
		for _, name := range settingFiles {
			if file := path.Join(root, name); adapter.HasFile(t, file) {
				text := adapter.ReadFile(t, file).Text
				if m := datetimeType.FindStringSubmatch(text); m != nil {
					p.datetime = m[1]
				}
				p.unlogged = p.unlogged || unlogged.MatchString(text)
			}
		}
		p.foreign = findForeignDatabase(t, root)
		return p
	})
}

// findForeignDatabase returns the database that the gems of an application speak to, if it is not Postgres.
func findForeignDatabase(t adapter.Tree, root string) string {
	for _, name := range []string{"Gemfile.lock", "Gemfile"} {
		file := path.Join(root, name)
		if !adapter.HasFile(t, file) {
			continue
		}
		foreign := ""
		for _, m := range driver.FindAllStringSubmatch(adapter.ReadFile(t, file).Text, 50) {
			if m[1] == "pg" {
				return ""
			}
			foreign = drivers[m[1]]
		}
		if foreign != "" {
			return foreign
		}
	}
	return ""
}

// modelTable returns the table of a model of the application; "" if it is not certain.
func (p *project) modelTable(class string) string {
	class = strings.TrimPrefix(class, "::")
	if strings.Contains(class, "::") {
		return ""
	}
	return adapter.Memoize(p.tree, "rails model "+p.root+" "+class, func() string {
		file := path.Join(p.root, "app/models", inflect.Underscore(class)+".rb")
		if adapter.HasFile(p.tree, file) {
			text := adapter.ReadFile(p.tree, file).Text
			if m := model.FindStringSubmatch(text); m != nil && m[1] == class && !scoped.MatchString(text) {
				return inflect.TableOf(class)
			}
		}
		return ""
	})
}
