package effect

// MergeResults merges the results of one statement on several versions into the worst case: each relation
// has the strongest lock and all the work that any version does.
func MergeResults(results []Result) Result {
	if len(results) == 0 {
		return Result{}
	}
	// The newest version last: its order of relations is kept.
	out := results[len(results)-1]
	if len(results) == 1 {
		return out
	}
	out.Effects = append([]Effect(nil), out.Effects...)
	for _, r := range results[:len(results)-1] {
		for _, e := range r.Effects {
			out.mergeEffect(e)
		}
		if out.NoTransaction == "" {
			out.NoTransaction = r.NoTransaction
		}
		if out.Unmodelled == "" {
			out.Unmodelled = r.Unmodelled
		}
	}
	return out
}

// mergeEffect takes in the effect of another version.
func (r *Result) mergeEffect(e Effect) {
	for i := range r.Effects {
		target := &r.Effects[i]
		if target.Name != e.Name || target.Created != e.Created {
			continue
		}
		switch {
		case e.Lock > target.Lock:
			target.Lock, target.AtEnd = e.Lock, e.AtEnd
		case e.Lock == target.Lock:
			target.AtEnd = target.AtEnd && e.AtEnd
		}
		target.Rewrites = target.Rewrites || e.Rewrites
		target.RebuildsIndex = target.RebuildsIndex || e.RebuildsIndex
		target.BuildsIndex = target.BuildsIndex || e.BuildsIndex
		target.Scans = target.Scans || e.Scans
		target.Waits = target.Waits || e.Waits
		target.Rows = target.Rows || e.Rows
		target.RowLocks = target.RowLocks || e.RowLocks
		target.Dropped = target.Dropped || e.Dropped
		return
	}
	r.Effects = append(r.Effects, e)
}
