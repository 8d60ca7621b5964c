package fleet

import (
	"fmt"
	"strconv"
	"strings"
)

// The defaults of a [Config], as flags have them.
const (
	DefaultWaves     = "1,5%,25%,100%"
	DefaultStopAfter = "2%"
	DefaultAtOnce    = 8
	DefaultPerServer = 4
)

// Amount is a number of targets, or a part of all of them.
type Amount struct {
	Number  int
	Percent float64 // 0 if Number is meant
}

// ParseAmount reads "3" or "2.5%".
func ParseAmount(text string) (a Amount, err error) {
	text = strings.TrimSpace(text)
	if number, ok := strings.CutSuffix(text, "%"); ok {
		a.Percent, err = strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(a.Percent >= 0 && a.Percent <= 100) {
			return a, newInputError("%q is not a part such as 2%%", text)
		}
		return a, nil
	}
	if a.Number, err = strconv.Atoi(text); err != nil || a.Number < 0 {
		return a, newInputError("%q is neither a number nor a part such as 2%%", text)
	}
	return a, nil
}

// String returns the text that [ParseAmount] reads.
func (a Amount) String() string {
	if a.Percent > 0 {
		return strconv.FormatFloat(a.Percent, 'f', -1, 64) + "%"
	}
	return strconv.Itoa(a.Number)
}

// ParseWaves reads "1,5%,25%,100%": how many targets have the release after each wave.
func ParseWaves(text string) (out []Amount, err error) {
	for _, part := range strings.Split(text, ",") {
		a, err := ParseAmount(part)
		if err != nil {
			return nil, err
		}
		if a.Number == 0 && a.Percent == 0 {
			return nil, newInputError("the waves %q have one without a target", text)
		}
		out = append(out, a)
	}
	if out[len(out)-1].Percent != 100 {
		out = append(out, Amount{Percent: 100})
	}
	return out, nil
}

// wave is a part of the targets. The next one begins after this one has ended.
type wave struct {
	name    string
	targets []*Target
}

// cutWaves divides targets. Those with the label canary=true are the first wave; without such labels the first amount is. A wave without a
// target is left out.
func cutWaves(list []*Target, amounts []Amount) (out []wave) {
	var canaries, rest []*Target
	for _, t := range list {
		if t.isCanary() {
			canaries = append(canaries, t)
		} else {
			rest = append(rest, t)
		}
	}
	if len(canaries) > 0 {
		out = append(out, wave{"canary", canaries})
		if amounts[0].Percent == 0 && len(amounts) > 1 {
			amounts = amounts[1:]
		}
	}
	ordered, from := append(canaries, rest...), len(canaries)
	for i, a := range amounts {
		to := a.Number
		if a.Percent > 0 {
			to = int(float64(len(list))*a.Percent/100 + 0.999999)
		}
		to = min(to, len(list))
		if to <= from {
			continue
		}
		name := fmt.Sprintf("up to %d", to)
		switch {
		case i == 0 && a.Percent == 0 && from == 0:
			name = "canary"
		case a.Percent > 0:
			name = strings.TrimSuffix(a.String(), "%") + " %"
		}
		out = append(out, wave{name, ordered[from:to]})
		from = to
	}
	return out
}

// StopReason says why a wave of some targets stops the release after some of them failed; "" if it does not.
func (a Amount) StopReason(failed, size int) string {
	allowed := a.allowedFailures(size)
	if failed <= allowed {
		return ""
	}
	return fmt.Sprintf("%d of the %d targets of this wave failed, and at most %d may (--stop-after %s): no further target begins", failed, size, allowed, a)
}

// allowedFailures returns how many targets of a wave may fail before the release stops.
func (a Amount) allowedFailures(size int) int {
	if a.Percent > 0 {
		return int(float64(size) * a.Percent / 100)
	}
	return a.Number
}
