package rehearse

import "github.com/onward-sql/onward/onward"

// enough is the number of rows from which a duration can be scaled to another
// number of rows. Below that, the fixed costs of a statement dominate.
const enough = 1000

// estimateDurations says how long the statements that do work take at the sizes of
// production. One end of the range is the rehearsed duration, scaled by rows.
// The other is the model's estimate from bytes and the configured throughput of
// a disk. The rehearsal's server keeps its tables in memory and waits for no
// disk. The model does not know expressions and triggers.
//
// Statements from emptied on ran on empty tables.
func (v *version) estimateDurations(emptied int) {
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
