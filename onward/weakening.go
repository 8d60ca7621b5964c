package onward

// Weakening is a setting of the branch that may take findings out, a file that the settings name, a comment that suppresses a finding, or a
// step that has run as a plan says.
type Weakening struct {
	// Key is the setting, "rules.column-drop" or "fail_on"; or "suppression", or "plan".
	Key string `json:"key"`
	// Base and Head are its values; "" if it is not set.
	Base string `json:"base,omitempty"`
	Head string `json:"head,omitempty"`
	// Path is the file that has it. Line is 0 if the whole file is meant.
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String returns "fail_on: error → never".
func (w Weakening) String() string {
	if w.Base == "" {
		return w.Key + ": " + w.Head
	}
	return w.Key + ": " + w.Base + " → " + w.Head
}
