package rehearse

import "github.com/onward-sql/onward/onward"

// enough rows for a time to say something about another number of rows: below,
// the fixed costs of a statement are most of it.
const enough = 1000

// estimate says how long the statements that do work take at the sizes of
// production: one end of the range is what the rehearsal took, scaled by rows;
// the other what the model reckons from bytes and the configured throughput of
// a disk. The rehearsal's server keeps its tables in memory and waits for no
// disk; the model knows nothing of expressions and triggers.
//
// Statements from emptied on ran on empty tables.
func (v *version) estimate(emptied int) {
	rows := map[string]int64{}
	for _, t := range v.out.Tables {
		rows[t.Relation] = t.Rows
	}
	for i := range v.out.Statements {
		st := &v.out.Statements[i]
		if st.Failed != nil || emptied >= 0 && i >= emptied {
			continue
		}
		took := st.UntilMS - st.FromMS - st.WaitedMS
		for _, e := range v.report.Migrations[st.Migration].Statements[st.Statement].Effects {
			rehearsed := rows[e.Relation]
			if e.New || e.Rows == 0 || rehearsed < enough || e.Work == onward.NoWork && e.EstimateMS == 0 {
				continue
			}
			scaled := took * float64(e.Rows) / float64(rehearsed)
			reckoned := float64(e.EstimateMS)
			if reckoned == 0 {
				reckoned = scaled
			}
			est := &onward.Estimate{Relation: e.Relation, Rows: e.Rows, LowMS: min(scaled, reckoned), HighMS: max(scaled, reckoned)}
			if st.Estimate == nil || est.HighMS > st.Estimate.HighMS {
				st.Estimate = est
			}
		}
	}
}
