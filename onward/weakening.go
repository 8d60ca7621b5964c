package onward

// Weakening is a setting of the branch's onward.yaml that may take findings out which the base's settings would report.
type Weakening struct {
	// Key is the setting: "rules.column-drop", "fail_on".
	Key string `json:"key"`
	// Base and Head are its values; "" if it is not set.
	Base string `json:"base,omitempty"`
	Head string `json:"head,omitempty"`
}

// String returns "fail_on: error → never".
func (w Weakening) String() string {
	if w.Base == "" {
		return w.Key + ": " + w.Head
	}
	return w.Key + ": " + w.Base + " → " + w.Head
}
