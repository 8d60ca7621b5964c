package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
)

// class is the model that Django makes a table for, "" for none: its name is in no
// spelling of the table's. It is asked for where the models of the base are not known,
// and comes from the migrations that create them.
func (u *deployedCode) class(q question) string {
	if q.database >= len(u.databases) {
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
	return classes[strings.ToLower(q.Name.Name)]
}
