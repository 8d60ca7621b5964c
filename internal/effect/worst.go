package effect

// MergeResults merges what a statement does on several versions: each relation with
// the strongest lock and all the work that any version does.
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
		at := &r.Effects[i]
		if at.Name != e.Name || at.Created != e.Created {
			continue
		}
		switch {
		case e.Lock > at.Lock:
			at.Lock, at.AtEnd = e.Lock, e.AtEnd
		case e.Lock == at.Lock:
			at.AtEnd = at.AtEnd && e.AtEnd
		}
		at.Rewrites = at.Rewrites || e.Rewrites
		at.RebuildsIndex = at.RebuildsIndex || e.RebuildsIndex
		at.BuildsIndex = at.BuildsIndex || e.BuildsIndex
		at.Scans = at.Scans || e.Scans
		at.Waits = at.Waits || e.Waits
		at.Rows = at.Rows || e.Rows
		at.RowLocks = at.RowLocks || e.RowLocks
		at.Dropped = at.Dropped || e.Dropped
		return
	}
	r.Effects = append(r.Effects, e)
}
