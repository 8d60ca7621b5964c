package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
)

// class is the model that Django makes a table for, "" for none: its name is in no
// spelling of the table's. It is asked for where the models of the base are not known,
// and comes from the migrations that create them.
func (u *usage) class(q question) string {
	if q.column == "" && q.upsert() || q.database >= len(u.databases) {
		return ""
	}
	if u.classes == nil {
		u.classes = map[int]map[string]string{}
	}
	classes, done := u.classes[q.database]
	if !done {
		classes = map[string]string{}
		u.classes[q.database] = classes
		for _, i := range u.databases[q.database] {
			p := u.pairs[i]
			if p.base == nil || !all.Traits(p.source.Framework).Renders || p.base.Models != nil {
				continue
			}
			for _, m := range p.base.Migrations {
				app, _, _ := strings.Cut(m.ID, ".")
				for _, part := range m.Source.Parts {
					if part.Operation.Class == "CreateModel" {
						classes[strings.ToLower(app+"_"+part.Operation.Model)] = part.Operation.Model
					}
				}
			}
		}
	}
	return classes[strings.ToLower(q.table.Name)]
}

// declaredClass are the places of a class that declare it.
func declaredClass(name string, hits []gitrange.Hit) []gitrange.Hit {
	return slices.DeleteFunc(slices.Clone(hits), func(h gitrange.Hit) bool { return !strings.HasPrefix(h.Text, "class "+name+"(") })
}
