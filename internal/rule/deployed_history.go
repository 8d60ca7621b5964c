package rule

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/analysis/inline"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/script"
)

// deployedHistory follows the transactions of deployed migrations. One may go on in the next window of a file.
type deployedHistory struct {
	start  *catalog.Catalog // before the transaction
	tx     int              // its number in the script
	points analysis.Savepoints[*catalog.Catalog]
}

// foldScript applies a script as its transactions would, leaving out what is rolled back.
func (h *deployedHistory) foldScript(in *inline.Inliner, c *catalog.Catalog, s *script.Script) *catalog.Catalog {
	if s.Window == 0 || h.tx == 0 {
		*h = deployedHistory{start: c}
	}
	for i := 0; i < len(s.Statements); i++ { // a call adds some
		st := s.Statements[i]
		in.InlineCalls(c, s, i)
		if st.Tx != h.tx {
			if s.Rollback[h.tx] {
				c = h.start
			}
			c = c.EndTransaction()
			h.start, h.tx = c, st.Tx
		}
		if st.Node == nil {
			c = markUnparsed(c, st)
			continue
		}
		c = h.points.FollowStatement(st.Node, ApplyDeployed(c, st.Node, st.SQL))
	}
	rolledBack := s.Rollback[h.tx]
	if rolledBack {
		c = h.start
	}
	if s.More && s.End != script.Alone && !rolledBack {
		return c
	}
	h.tx = 0
	return c.EndTransaction()
}
