package adapter

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
)

// numbers gives the names of further migrations, from those that are there.
type numbers struct {
	// before stands in front of the number ("V"), between behind it.
	before, last, between string
	// layout is that of last with signs in it, "" for digits alone; behind it stands after.
	layout, after string
	now           time.Time
}

var (
	numbered = regexp.MustCompile(`^([A-Za-z]?)(\d+)([-_.]+)`)
	// More numbers behind the first: a date, a version of several parts.
	parts = regexp.MustCompile(`^[A-Za-z]?\d+[-._]\d+(?:[-._]|$)`)
	// A moment with signs in it, a number behind it.
	moments = regexp.MustCompile(`^(\d{4}-\d{2}-\d{2}-\d{6})(-\d{4})?_`)
)

// NewWriting begins writing migrations behind those of a set. now is what names with a
// moment in them begin at, or right behind the last.
//
// Errors: the names that are there do not tell how they go on.
func NewWriting(t Tree, set *Set, form *Form, now time.Time) (Writing, error) {
	s := set.Source
	w := &writing{form: *form, source: s.Dir, dir: s.Dir, names: &numbers{now: now.UTC()}}
	if o := s.Options.Transaction; o != "" {
		w.form.Transaction = o
		if o == "file" {
			w.form.Lone, w.form.HeadAlone, w.form.Settings = false, "", ""
		}
	}
	for _, m := range set.Migrations {
		at := m.Path
		if strings.HasPrefix(form.Up, "/") {
			at = path.Dir(at)
		}
		name := path.Base(at)
		if w.names.momentary(name, form.Moments) {
			w.dir = strings.TrimSuffix(strings.TrimSuffix(at, name), "/")
			continue
		}
		m := numbered.FindStringSubmatch(name)
		if m != nil && form.Between != "" && parts.MatchString(name) {
			return nil, fmt.Errorf("%s has a version of several parts: how they go on is not known", at)
		}
		if m == nil || parts.MatchString(name) || form.Between != "" && !strings.HasPrefix(m[3], form.Between) {
			continue // a repeatable one, or one of another scheme
		}
		if n := w.names; n.last == "" || Natural(m[2], n.last) > 0 {
			n.before, n.last, n.between, n.layout, n.after = m[1], m[2], m[3], "", ""
			w.dir = strings.TrimSuffix(strings.TrimSuffix(at, name), "/")
		}
	}
	// Files that are no migrations, such as a way back without its way there, count as well.
	for _, rest := range Below(t, w.dir) {
		name, _, _ := strings.Cut(rest, "/")
		if m := numbered.FindStringSubmatch(name); m != nil && m[1] == w.names.before && len(m[2]) == len(w.names.last) && m[2] > w.names.last {
			w.names.last = m[2]
		}
	}
	if n := w.names; form.Moments != "" && len(n.last) == 14 && !isTime("20060102150405", n.last) {
		n.layout, n.between = form.Moments, "_" // what the tool itself begins with
	}
	if err := w.names.told(s.Dir); err != nil {
		return nil, err
	}
	if form.Settings != "" { // what is sent without a transaction is not one file
		return struct{ Writing }{w}, nil
	}
	return w, nil
}

// told says why the names do not tell how they go on.
func (n *numbers) told(dir string) error {
	switch {
	case n.layout != "":
	case n.last == "":
		return fmt.Errorf("the names in %s do not tell how they go on: no number stands alone in front of them", orRoot(dir))
	case len(n.last) == 8 && isTime("20060102", n.last):
		return fmt.Errorf("the names in %s begin with days, and a plan has several migrations: the order of those is not known", orRoot(dir))
	}
	return nil
}

// momentary notes a name that begins with a moment in a layout, where it is the last.
func (n *numbers) momentary(name, layout string) bool {
	m := moments.FindStringSubmatch(name)
	if layout == "" || m == nil || !isTime(layout, m[1]) {
		return false
	}
	digits := strings.NewReplacer("-", "")
	if digits.Replace(m[1]) >= digits.Replace(n.last) {
		n.layout, n.before, n.last, n.between, n.after = layout, "", m[1], "_", m[2]
	}
	return true
}

func isTime(layout, s string) bool {
	at, err := time.Parse(layout, s)
	return err == nil && at.Year() > 2000 && at.Year() < 2200
}

// next is the name of the next one, without its ending.
func (n *numbers) next(slug string, f *Form) (string, error) {
	var next string
	switch {
	case n.layout != "":
		next = n.moment(n.layout, time.Second)
	case len(n.last) == 14 && isTime("20060102150405", n.last):
		next = n.moment("20060102150405", time.Second)
	case len(n.last) == 12 && isTime("200601021504", n.last):
		next = n.moment("200601021504", time.Minute)
	case len(n.last) == 10 && n.last[0] >= '1' && n.last[0] < '9' || len(n.last) == 13:
		// Seconds or milliseconds since 1970.
		at := fmt.Sprint(n.now.Unix())
		if len(n.last) == 13 {
			at = fmt.Sprint(n.now.UnixMilli())
		}
		next = max(increment(n.last), at)
	default:
		next = increment(n.last)
	}
	if f.Texts && n.layout == "" && len(next) > len(n.last) {
		return "", fmt.Errorf("behind %s there is no number that %s sorts last: it sorts names as texts", n.last, f.Name)
	}
	n.last = next
	return n.before + next + n.after + n.between + slug, nil
}

// moment is now, or right behind the last.
func (n *numbers) moment(layout string, step time.Duration) string {
	last, _ := time.Parse(layout, n.last)
	return max(last.Add(step).Format(layout), n.now.Format(layout))
}

// increment counts on, in the width that is there.
func increment(digits string) string {
	out := []byte(digits)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] != '9' {
			out[i]++
			return string(out)
		}
		out[i] = '0'
	}
	return "1" + string(out)
}
