// Package all lists the adapters.
package all

import (
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/alembic"
	"github.com/onward-sql/onward/internal/adapter/dbmigrate"
	"github.com/onward-sql/onward/internal/adapter/directus"
	"github.com/onward-sql/onward/internal/adapter/django"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	"github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/adapter/kysely"
	"github.com/onward-sql/onward/internal/adapter/liquibase"
	"github.com/onward-sql/onward/internal/adapter/mikroorm"
	"github.com/onward-sql/onward/internal/adapter/payload"
	"github.com/onward-sql/onward/internal/adapter/rails"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
	"github.com/onward-sql/onward/internal/adapter/sqitch"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
	"github.com/onward-sql/onward/internal/adapter/strapi"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
	"github.com/onward-sql/onward/internal/adapter/umzug"
	"github.com/onward-sql/onward/internal/adapter/yoyo"
)

// ListAdapters lists the adapters in the order in which they are asked. If two are equally sure of a directory, the
// first is used.
func ListAdapters() []adapter.Adapter {
	return []adapter.Adapter{
		&django.Adapter{},
		&alembic.Adapter{},
		goose.Adapter,
		golangmigrate.Adapter,
		sqlx.Adapter,
		typeorm.Adapter,
		knex.Adapter,
		mikroorm.Adapter,
		rails.Adapter{},
		sequelize.Adapter,
		kysely.Adapter,
		dbmigrate.Adapter,
		payload.Adapter,
		strapi.New(),
		directus.Adapter,
		umzug.Adapter,
		sqitch.Adapter,
		liquibase.Adapter,
		yoyo.Adapter,
		sql.Adapter{},
	}
}

// Traits returns the properties of a framework; the zero value for an unknown one.
func Traits(name string) adapter.Traits {
	a, ok := FindAdapter(name)
	if !ok {
		return adapter.Traits{}
	}
	return a.Traits()
}

// IsConfiguredAside reports whether a tool's settings name a directory for development only.
func IsConfiguredAside(t adapter.Tree, dir string) bool {
	return slices.ContainsFunc(ListAdapters(), func(a adapter.Adapter) bool {
		x, ok := a.(interface {
			IsConfiguredAside(t adapter.Tree, dir string) bool
		})
		return ok && x.IsConfiguredAside(t, dir)
	})
}

// FindVariable returns the environment variable with the address of a source's database; "" if its project names none.
func FindVariable(t adapter.Tree, s adapter.Source) string {
	a, _ := FindAdapter(s.Framework)
	if x, ok := a.(interface {
		FindVariable(t adapter.Tree, s adapter.Source) string
	}); ok {
		return x.FindVariable(t, s)
	}
	return ""
}

// HasOwnTool reports whether a plain directory has a tool of its own.
func HasOwnTool(t adapter.Tree, s adapter.Source) bool {
	a, _ := FindAdapter(s.Framework)
	x, ok := a.(interface {
		Own(t adapter.Tree, s adapter.Source) bool
	})
	return ok && x.Own(t, s)
}

// HasPrograms reports whether a directory has migrations that are programs. Its adapter lists them with the
// others.
func HasPrograms(t adapter.Tree, s adapter.Source) bool {
	a, _ := FindAdapter(s.Framework)
	x, ok := a.(interface {
		Programs(t adapter.Tree, s adapter.Source) bool
	})
	return ok && x.Programs(t, s)
}

// PresetCommand returns the usual command that prints the SQL of a source; "" if it needs none.
func PresetCommand(t adapter.Tree, s adapter.Source) string {
	a, _ := FindAdapter(s.Framework)
	x, ok := a.(interface {
		PresetCommand(t adapter.Tree, s adapter.Source) string
	})
	if !ok {
		return ""
	}
	return x.PresetCommand(t, s)
}

// ProposeRunner describes the repository's own program that runs the SQL files of a source; nil if none is found.
func ProposeRunner(t adapter.Tree, s adapter.Source) *config.Runner {
	return sql.ProposeRunner(t, s)
}

// PrismaModels reads the models of all Prisma schemas of a repository.
func PrismaModels(t adapter.Tree) []adapter.Model { return sql.PrismaModels(t, "") }

// Plain is the name of the adapter for SQL files that no other adapter claims.
const Plain = sql.Name

// HistoryTables are the tables in which migration tools record the migrations that have run, by name.
func HistoryTables() map[string]adapter.HistoryTable {
	list := adapter.UnreadHistoryTables()
	for _, a := range ListAdapters() {
		list = append(list, a.Traits().HistoryTables...)
	}
	out := make(map[string]adapter.HistoryTable, len(list))
	for _, b := range list {
		if out[b.Table].Columns == "" {
			out[b.Table] = b
		}
	}
	return out
}

// HistoryTableNames are the names of those tables.
func HistoryTableNames() map[string]bool {
	out := map[string]bool{}
	for table := range HistoryTables() {
		out[table] = true
	}
	return out
}

// FindAdapter returns the adapter with this name in onward.yaml.
func FindAdapter(name string) (adapter.Adapter, bool) {
	for _, a := range ListAdapters() {
		if a.Name() == name {
			return a, true
		}
	}
	return nil, false
}
