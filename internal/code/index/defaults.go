package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// Defaults reports what the models of a table insert into a column if the program gives no value: some rely on the default of
// the database, or all have a value of their own.
func (b *Bound) Defaults(n catalog.Name, column string) (byServer, byModel bool) {
	models, unknown := 0, 0
	b.eachModelOrCall(n, func(path string, m *facts.Model) {
		if m.Row || m.Put || m.Guessed {
			return
		}
		d, found := b.defaultOf(path, m, column, 0)
		if !found {
			return
		}
		models++
		switch d {
		case facts.DefaultByServer:
			byServer = true
		case facts.DefaultByModel:
		default:
			unknown++
		}
	}, func(string, *facts.Call) { unknown++ })
	return byServer, models > 0 && unknown == 0 && !byServer
}

// defaultOf returns what a model, or a class that it extends, says of a column.
func (b *Bound) defaultOf(path string, m *facts.Model, column string, up int) (d facts.Default, found bool) {
	for _, f := range m.Fields {
		if f.Column == column || f.Column == "" && slices.Contains(facts.Spellings(column), f.Field) {
			return f.Default, !f.Left
		}
	}
	for _, base := range m.Bases {
		if up == maxBases || found {
			break
		}
		b.eachBase(path, base.Name, func(f *File, baseModel *facts.Model, _ *facts.Struct) bool {
			if baseModel != nil {
				d, found = b.defaultOf(f.Path, baseModel, strings.TrimPrefix(column, base.Prefix), up+1)
			}
			return !found
		})
	}
	return d, found
}
