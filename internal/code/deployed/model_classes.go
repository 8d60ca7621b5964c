package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/code/facts"
)

// mappedClass returns the model that a framework's migrations create for a table, "" for none, if its name is no spelling of
// the table's name. It is used if the models of the base are not known, and is read from
// the migrations that create them.
func (u *Code) mappedClass(q question) string {
	if q.database >= len(u.Databases) {
		return ""
	}
	if u.classes == nil {
		u.classes = map[int]map[string]string{}
	}
	classes, done := u.classes[q.database]
	if !done {
		classes = map[string]string{}
		u.classes[q.database] = classes
		for _, i := range u.Databases[q.database] {
			s := u.sources[i]
			if s.Set == nil || !all.Traits(s.Framework).Renders || s.Set.Models != nil {
				continue
			}
			for _, m := range s.Set.Migrations {
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

// tableNames returns the names by which code may mean the table of a question: its spellings, its model, and itself.
func (u *Code) tableNames(q question) []string {
	return append(facts.TableWords(q.Name.Name), u.mappedClass(q), q.Name.Name)
}
