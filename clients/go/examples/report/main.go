// Command report shows what a controller does with PBA: it reports what it measured, asks how much
// bandwidth a link will have and how long a migration would take, and watches the link go on.
//
//	PBA_API_KEY=... go run ./examples/report -addresses 127.0.0.1:9000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"strings"
	"time"

	pba "pba.internal/clients/go"
	"pba.internal/clients/go/pbav1"
)

const gigabyte = 1_000_000_000

var errEnough = errors.New("enough")

func main() {
	addresses := flag.String("addresses", "127.0.0.1:9000", "where the service answers, host:port[,host:port]")
	link := flag.String("link", "fra1:ams2", "the name of the link")
	steps := flag.Int("steps", 3, "how many samples to report while watching")
	flag.Parse()
	client, err := pba.Dial(pba.Config{
		Addresses: strings.Split(*addresses, ","),
		Key:       os.Getenv("PBA_API_KEY"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	if err := run(client, *link, *steps); err != nil {
		log.Fatal(err)
	}
}

func run(client *pba.Client, link string, steps int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	now := time.Now()
	if err := report(ctx, client, link, now.Add(-60*time.Second), 60); err != nil {
		return err
	}
	response, err := client.Predictor.LinkForecast(ctx, &pbav1.LinkForecastRequest{LinkId: link})
	if err != nil {
		return err
	}
	show(response.Forecast)
	if err := migrate(ctx, client, link); err != nil {
		return err
	}
	return watch(ctx, client, link, now, steps)
}

// report stores one sample a second from a time on, as a probe would measure them.
func report(ctx context.Context, client *pba.Client, link string, from time.Time, count int) error {
	request := &pbav1.ObserveRequest{}
	for second := 0; second < count; second++ {
		at := float64(from.UnixNano())/1e9 + float64(second)
		mbps := 400 + 50*math.Sin(at/10)
		sample := &pbav1.Sample{TimestampS: &at, BandwidthMbps: &mbps}
		request.Samples = append(request.Samples, &pbav1.LinkSample{LinkId: link, Sample: sample})
	}
	response, err := client.Predictor.Observe(ctx, request)
	if err != nil {
		return err
	}
	fmt.Printf("stored %d samples of %s\n", response.Links[link].Accepted, link)
	return nil
}

// migrate asks how long moving a machine of 4 GB takes that writes at 20 Mbps.
func migrate(ctx context.Context, client *pba.Client, link string) error {
	size, dirty := uint64(4*gigabyte), 20.0
	response, err := client.Predictor.Transfer(ctx, &pbav1.TransferRequest{LinkId: &link, Bytes: &size, DirtyMbps: &dirty})
	if err != nil {
		return err
	}
	for _, quantile := range response.Transfer.DurationS {
		if quantile.Level == 0.5 || quantile.Level == 0.9 {
			fmt.Printf("4 GB take at most %.0f s with a probability of %.2f\n", quantile.GetSeconds(), quantile.Level)
		}
	}
	return nil
}

// watch reports a sample a second, and shows the forecast after each.
func watch(ctx context.Context, client *pba.Client, link string, from time.Time, steps int) error {
	go func() {
		for step := 0; step < steps; step++ {
			time.Sleep(time.Second)
			if err := report(ctx, client, link, from.Add(time.Duration(step)*time.Second), 1); err != nil {
				log.Print(err)
			}
		}
	}()
	forecasts := 0
	err := client.Watch(ctx, &pbav1.WatchRequest{LinkIds: []string{link}}, func(forecast *pbav1.Forecast) error {
		show(forecast)
		if forecasts++; forecasts > steps {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

func show(forecast *pbav1.Forecast) {
	var horizons []string
	for _, one := range forecast.Horizons {
		horizons = append(horizons, fmt.Sprintf("+%d %.0f Mbps (%.2f)", one.Steps, one.BandwidthMbps, one.Confidence))
	}
	fmt.Printf("%s: %s\n", forecast.GetLinkId(), strings.Join(horizons, ", "))
}
