package fleet

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/onward-sql/onward/onward"
)

// FindDrift compares the schemas of targets. The target with the name like has the expected schema; for "", most targets
// have it. The differences are grouped, the most frequent first. It reads definitions only and changes nothing.
func FindDrift(ctx context.Context, list []*Target, like string) ([]onward.RolloutDrift, error) {
	identifyMissing(ctx, list)
	all, err := readAllFacts(ctx, list)
	if err != nil {
		return nil, err
	}
	expected, err := chooseExpected(list, all, like)
	if err != nil || expected == nil {
		return nil, err
	}
	groups := map[string]*onward.RolloutDrift{}
	for _, t := range list {
		if all[t] == nil {
			continue
		}
		d := compareFacts(expected, all[t])
		if len(d.Missing)+len(d.Extra) == 0 {
			continue
		}
		key := strings.Join(append(slices.Clone(d.Missing), append([]string{"\x00"}, d.Extra...)...), "\x00")
		if groups[key] == nil {
			groups[key] = d
		}
		groups[key].Targets = append(groups[key].Targets, t.Name)
	}
	out := []onward.RolloutDrift{}
	for _, d := range groups {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b onward.RolloutDrift) int {
		return cmp.Or(len(b.Targets)-len(a.Targets), strings.Compare(a.Targets[0], b.Targets[0]))
	})
	return out, nil
}

// readAllFacts reads the facts of all targets that exist: a session for each database.
func readAllFacts(ctx context.Context, list []*Target) (map[*Target]*schemaFacts, error) {
	byAddress := map[string][]*Target{}
	for _, t := range list {
		switch {
		case t.problem == nil:
			byAddress[t.Address] = append(byAddress[t.Address], t)
		case !isGoneError(t.problem):
			return nil, fmt.Errorf("%s: %w", t.Name, redactTarget(t.problem, t))
		}
	}
	all := map[*Target]*schemaFacts{}
	var mu sync.Mutex
	var failed error
	forEachKey(byAddress, func(text string) {
		facts, err := readFacts(ctx, byAddress[text])
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			failed = fmt.Errorf("%s: %w", byAddress[text][0].Name, redactTarget(err, byAddress[text][0]))
		}
		for t, f := range facts {
			all[t] = f
		}
	})
	return all, failed
}

// chooseExpected returns the facts of the named target, or those that most targets have. Of two with the same number, the first in the list is
// expected.
func chooseExpected(list []*Target, all map[*Target]*schemaFacts, like string) (*schemaFacts, error) {
	counts := map[string]int{}
	hashes := map[*Target]string{}
	for _, t := range list {
		if t.Name == like {
			if all[t] == nil {
				return nil, newInputError("the target %s does not exist", like)
			}
			return all[t], nil
		}
		if all[t] != nil {
			hashes[t] = all[t].hash()
			counts[hashes[t]]++
		}
	}
	if like != "" {
		return nil, newInputError("no target has the name %q", like)
	}
	var best *Target
	for _, t := range list {
		if all[t] != nil && (best == nil || counts[hashes[t]] > counts[hashes[best]]) {
			best = t
		}
	}
	return all[best], nil
}

func (s *schemaFacts) hash() string {
	var lines []string
	for key, f := range s.facts {
		lines = append(lines, key+"\x00"+f.definition)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\x01")))
	return string(sum[:])
}

// compareFacts returns how a schema differs from the expected one.
func compareFacts(expected, got *schemaFacts) *onward.RolloutDrift {
	d := &onward.RolloutDrift{}
	for _, key := range expected.order {
		want := expected.facts[key]
		have, exists := got.facts[key]
		switch {
		case exists && have.definition == want.definition:
		case !exists:
			d.Missing = append(d.Missing, key+": "+want.definition)
			d.Fix = append(d.Fix, want.create)
		default:
			d.Missing = append(d.Missing, key+": "+want.definition)
			d.Extra = append(d.Extra, key+": "+have.definition)
			d.Fix = append(d.Fix, factChangeSQL(want, have)...)
		}
	}
	for i := len(got.order) - 1; i >= 0; i-- { // an index before its column
		key := got.order[i]
		if _, ok := expected.facts[key]; ok {
			continue
		}
		have := got.facts[key]
		d.Extra = append(d.Extra, key+": "+have.definition)
		if have.drop != "" {
			d.Fix = append(d.Fix, have.drop)
		}
	}
	return d
}

// factChangeSQL returns the statements that replace a fact by the expected one; none if it holds rows and cannot be changed in place.
func factChangeSQL(want, have fact) []string {
	switch {
	case want.change != "":
		return []string{want.change}
	case have.drop != "":
		return []string{have.drop, want.create}
	}
	return nil
}
