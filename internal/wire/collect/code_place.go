package collect

import (
	"hash/maphash"

	"github.com/onward-sql/onward/internal/workload"
)

// codePlace is what a query's comments say of its place in the code.
type codePlace struct {
	where, test, application string
	trace                    uint64 // of its traceparent; 0 for none
}

var traceSeed = maphash.MakeSeed()

// readCodePlace reads the comments of a statement.
func readCodePlace(sql string) codePlace {
	t := workload.ReadTags(sql)
	p := codePlace{where: t.Place, test: t.Test, application: t.Application}
	if t.Trace != "" {
		p.trace = maphash.String(traceSeed, t.Trace)
	}
	return p
}
