package deployed

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
)

// maxUpserts is how many INSERTs with ON CONFLICT a finding shows: each of them fails.
const maxUpserts = 20

// findUpserts answers the question whether the code has ON CONFLICT on a table, or may have it.
func (u *Code) findUpserts(q question) analysis.Usage {
	sure, possibleUses := u.indexFor(q).FindUpserts(index.UpsertOn{Name: q.Name, Any: true, Fields: u.modelFields(q)})
	found := append(sure, possibleUses...)
	return analysis.Usage{Known: len(found) > 0 || u.ReadFiles().err == nil, Used: len(found) > 0, Evidence: u.makeEvidence(found, maxEvidence)}
}

// findUpsertOn searches an INSERT into the table with ON CONFLICT on these columns, or this
// constraint. It is not known if a mapper, or SQL that is built at run time, may have one.
func (u *Code) findUpsertOn(q question) analysis.Usage {
	target := index.UpsertOn{Name: q.Name, Constraint: q.Constraint, Partial: q.Partial, Fields: u.modelFields(q)}
	if q.Columns != "" {
		target.Columns = strings.Split(q.Columns, ",")
	}
	sure, possibleUses := u.indexFor(q).FindUpserts(target)
	if len(sure) > 0 {
		return analysis.Usage{Known: true, Used: true, Evidence: u.makeEvidence(sure, maxUpserts)}
	}
	return analysis.Usage{Known: len(possibleUses) == 0 && u.ReadFiles().err == nil, Evidence: u.makeEvidence(possibleUses, maxEvidence)}
}

// modelFields returns the columns of a table's models, by their classes and fields.
func (u *Code) modelFields(q question) map[string]map[string]string {
	out := map[string]map[string]string{}
	models, _ := u.deployedModels(q.database)
	for _, m := range models {
		if !isModelOf(m.Table, catalog.Name{Schema: "public", Name: q.Name.Name}) {
			continue
		}
		fields := map[string]string{}
		for _, c := range m.Columns {
			fields[strings.ToLower(c.Field)], fields[c.Column] = c.Column, c.Column
			if c.Column == "id" {
				fields["pk"] = c.Column
			}
		}
		out[m.Name[strings.LastIndexByte(m.Name, '.')+1:]] = fields
	}
	return out
}
