package audit

import (
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/rules/suppression"
)

// Names returns the names that an onward.yaml may use: the rules and the frameworks of
// this release, for [config.Load].
func Names() config.Known {
	var k config.Known
	for _, r := range suppression.All() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, r := range rules.All() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, r := range rehearsal.All() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, r := range queries.All() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, r := range dbchecks.Rules() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, a := range all.ListAdapters() {
		k.Frameworks = append(k.Frameworks, a.Name())
	}
	return k
}
