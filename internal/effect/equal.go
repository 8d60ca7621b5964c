package effect

import "slices"

// Equal reports whether two results say the same.
func (r *Result) Equal(o *Result) bool {
	return r.NoTransaction == o.NoTransaction && r.Refused.Equal(o.Refused) && r.Unmodelled == o.Unmodelled &&
		(r.Unlisted == o.Unlisted || r.Unlisted != nil && o.Unlisted != nil && *r.Unlisted == *o.Unlisted) &&
		slices.Equal(r.Effects, o.Effects)
}
