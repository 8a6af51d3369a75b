// SPDX-License-Identifier: Apache-2.0

// Package tap prints results in the Test Anything Protocol. It has the calls that
// runtime-tools makes of github.com/mndrix/tap-go, which Debian does not package.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T is one stream of results. Copies share the number of the last one.
type T struct {
	TODO   bool
	Writer io.Writer
	last   *int
}

func New() *T {
	return &T{Writer: os.Stdout, last: new(int)}
}

// Header begins the stream; a count of 0 leaves the plan to AutoPlan.
func (t *T) Header(count int) {
	fmt.Fprintln(t.Writer, "TAP version 13")
	if count > 0 {
		fmt.Fprintf(t.Writer, "1..%d\n", count)
	}
}

func (t *T) AutoPlan() {
	fmt.Fprintf(t.Writer, "1..%d\n", *t.last)
}

func (t *T) Count() int {
	return *t.last
}

// Todo is a stream whose failures do not count.
func (t *T) Todo() *T {
	todo := *t
	todo.TODO = true
	return &todo
}

func (t *T) Ok(passed bool, text string) {
	word, directive := "ok", ""
	if !passed {
		word = "not ok"
	}
	if t.TODO {
		directive = " # TODO"
	}
	*t.last++
	fmt.Fprintf(t.Writer, "%s %d - %s%s\n", word, *t.last, text, directive)
}

func (t *T) Pass(text string) {
	t.Ok(true, text)
}

func (t *T) Fail(text string) {
	t.Ok(false, text)
}

func (t *T) Skip(count int, why string) {
	for n := 0; n < count; n++ {
		*t.last++
		fmt.Fprintf(t.Writer, "ok %d # SKIP %s\n", *t.last, why)
	}
}

func (t *T) Diagnostic(text string) {
	for _, line := range strings.Split(text, "\n") {
		fmt.Fprintf(t.Writer, "# %s\n", line)
	}
}

func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML adds details to the result before: JSON, which is YAML, too.
func (t *T) YAML(details interface{}) error {
	text, err := json.MarshalIndent(details, "  ", "  ")
	if err == nil {
		fmt.Fprintf(t.Writer, "  ---\n  %s\n  ...\n", text)
	}
	return err
}
