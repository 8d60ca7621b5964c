// Package notify tells a webhook about a run: one POST of JSON for each outcome. It never delays a run for longer than [Patience],
// and never fails it. The webhook's address is a secret, and no message of this package contains it.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/onward-sql/onward/onward"
)

// Patience limits all attempts for one notice, and tries is their number.
const (
	Patience = 5 * time.Second
	tries    = 2
)

// client follows no redirects: a redirected POST becomes a GET, and the notice is lost.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Check reports whether a text is the address of a webhook: http or https, with a host. The error does not quote it.
func Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("is not the address of a webhook: write http://… or https://…, @FILE or env:NAME")
	}
	return nil
}

// Post sends a notice. It tries a second time after an answer other than 2xx, or none within half of [Patience], but not after one
// that blames the request (4xx other than 408 and 429). It returns within [Patience], even if the run's context is done. The error
// describes the webhook's answer, without its address.
func Post(ctx context.Context, address string, n *onward.Notice) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), Patience) // whoever interrupts a run wants to know too
	defer cancel()
	for range tries {
		var canRetry bool
		if canRetry, err = postOnce(ctx, address, text); err == nil || !canRetry {
			return err
		}
	}
	return fmt.Errorf("%w, %d times", err, tries)
}

// postOnce tries once. canRetry: another attempt may succeed.
func postOnce(ctx context.Context, address string, text []byte) (canRetry bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience/tries)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(text))
	if err != nil {
		return false, errors.New("its address cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "onward")
	answer, err := client.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return true, fmt.Errorf("it gave no answer for %s", Patience/tries)
	case err != nil: // its text contains the address
		return true, errors.New("it cannot be reached")
	}
	_ = answer.Body.Close() // not read
	if answer.StatusCode/100 == 2 {
		return false, nil
	}
	code := answer.StatusCode
	return code/100 != 4 && code/100 != 3 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests, fmt.Errorf("it answers %d", code)
}
