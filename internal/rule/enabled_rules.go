package rule

// ruleOn is a rule with the configured versions that it applies to.
type ruleOn struct {
	*Rule
	versions []int
	// silent: the configuration switched the rule off. Its findings only claim what a statement does.
	silent bool
}

// addRule adds a rule that is on.
func (e *Engine) addRule(r *Rule) {
	e.rules = append(e.rules, r)
	e.addChecks(ruleOn{r, applicableVersions(r, e.config.Versions), false})
}

// addSilentRule adds a rule that is switched off, but whose findings may be claims. Some rules report what no other rule claims:
// they must not say in its place what a rule that is off would have said.
func (e *Engine) addSilentRule(r *Rule) {
	e.addChecks(ruleOn{r, applicableVersions(r, e.config.Versions), true})
	if r.Release != nil || r.Migration != nil {
		e.rules, e.silent[r] = append(e.rules, r), true
	}
}

// addChecks adds a rule's check of statements or of commits.
func (e *Engine) addChecks(r ruleOn) {
	switch {
	case r.Commit != nil:
		e.commitRules = append(e.commitRules, r)
	case r.Statement == nil:
		return
	}
	for k := Kinds(1); k <= anyKind; k <<= 1 {
		if r.Statement != nil && (r.Kinds == 0 || r.Kinds&k != 0) {
			e.statementRules[k] = append(e.statementRules[k], r)
		}
	}
}

// runCheck runs a rule's check for some versions: in one call if the check does not ask for
// the version, else once for each version. It does nothing if there are no versions.
func runCheck[T any](p *Pass, versions []int, check func(*Pass, T), about T) {
	if len(versions) == 0 {
		return
	}
	p.versions, p.asked = versions, false
	before := len(p.findings)
	check(p, about)
	if !p.asked || len(versions) == 1 {
		return
	}
	p.findings = p.findings[:before]
	for i := range versions {
		p.versions = versions[i : i+1 : i+1]
		check(p, about)
	}
}

func (e *Engine) isApplicable(r *Rule, versions []int) bool {
	return len(applicableVersions(r, versions)) > 0
}

// applicableVersions returns the versions that a rule applies to.
func applicableVersions(r *Rule, versions []int) []int {
	lo, hi := 0, len(versions)
	for lo < hi && r.Since != 0 && versions[lo] < r.Since {
		lo++
	}
	for hi > lo && r.Until != 0 && versions[hi-1] > r.Until {
		hi--
	}
	return versions[lo:hi:hi]
}
