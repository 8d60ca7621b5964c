package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/usage"
)

// upserts answers the question whether the code says ON CONFLICT anywhere.
func (u *deployedCode) upserts(q question) analysis.Usage {
	found := u.bound(q).AnyUpsert()
	return analysis.Usage{Known: len(found) > 0 || u.code().err == nil, Used: len(found) > 0, Evidence: u.evidence(found, maxEvidence)}
}

// upserting looks for an INSERT into the table that says ON CONFLICT with these
// columns, or this constraint. It is not known where a mapper, or SQL that is put
// together as it runs, may say that.
func (u *deployedCode) upserting(q question) analysis.Usage {
	on := usage.UpsertOn{Name: q.Name, Constraint: q.Constraint, Partial: q.Partial, Fields: u.fields(q)}
	if q.Columns != "" {
		on.Columns = strings.Split(q.Columns, ",")
	}
	sure, may := u.bound(q).Upsert(on)
	if len(sure) > 0 {
		return analysis.Usage{Known: true, Used: true, Evidence: u.evidence(sure, maxEvidence)}
	}
	return analysis.Usage{Known: len(may) == 0 && u.code().err == nil, Evidence: u.evidence(may, maxEvidence)}
}

// fields are the columns of the models of a table, by their classes and fields.
func (u *deployedCode) fields(q question) map[string]map[string]string {
	out := map[string]map[string]string{}
	models, _ := u.models(q.database)
	for _, m := range models {
		if !maps(m.Table, catalog.Name{Schema: "public", Name: q.Name.Name}) {
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
