package replay

// CompareEach is [Compare] for messages that have nothing to do with each other: each is compared, whatever happened to those before it. A message
// that is not answered is not compared.
func CompareEach(base, rerun, now []*Answer) []Difference {
	second, current := indexByEvent(rerun), indexByEvent(now)
	var out []Difference
	for _, a := range base {
		b, c := second[a.Event], current[a.Event]
		if b == nil || c == nil || a.Unanswered || b.Unanswered || c.Unanswered || a.Skipped || b.SQLState != a.SQLState {
			continue
		}
		if d := compareAnswers(a, b, c); d != nil && !d.Reshaped {
			out = append(out, *d)
		}
	}
	return out
}

// CountRows returns how many rows its commands returned or changed before and now. known is false if the ends of its commands do not say so.
func (d *Difference) CountRows() (before, now int, known bool) {
	if len(d.Base.Tags) == 0 || len(d.Base.Tags) != len(d.Now.Tags) {
		return 0, 0, false
	}
	for i := range d.Base.Tags {
		_, n, counted := cutCount(d.Base.Tags[i])
		_, m, nowCounted := cutCount(d.Now.Tags[i])
		if !counted || !nowCounted {
			return 0, 0, false
		}
		before, now = before+n, now+m
	}
	return before, now, true
}
