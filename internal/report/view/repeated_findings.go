package view

import "github.com/onward-sql/onward/onward"

// RepeatedFindings maps a path to the findings that were printed once for many places.
type RepeatedFindings map[string][]RepeatedFinding

// RepeatedFinding is a finding with further places in a migration.
type RepeatedFinding struct {
	Finding   *onward.Finding
	Migration string
	Lines     []int
}

func listRepeated(r *onward.Report) RepeatedFindings {
	a := RepeatedFindings{}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, place := range f.Also {
			if place.Fact != "" {
				continue // a round of a loop, which is printed with the finding
			}
			list := a[place.Path]
			if n := len(list) - 1; n >= 0 && list[n].Finding == f && list[n].Migration == place.Migration {
				list[n].Lines = append(list[n].Lines, place.Line)
				continue
			}
			a[place.Path] = append(list, RepeatedFinding{f, place.Migration, []int{place.Line}})
		}
	}
	return a
}
