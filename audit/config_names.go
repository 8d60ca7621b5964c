package audit

import (
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/rules/tools/page"
)

// Names returns the names that an onward.yaml may use: the rules and the frameworks of
// this release, for [config.Load].
func Names() config.Known {
	var k config.Known
	for _, r := range page.ListAll() {
		k.Rules = append(k.Rules, r.ID)
	}
	for _, a := range all.ListAdapters() {
		k.Frameworks = append(k.Frameworks, a.Name())
	}
	return k
}
