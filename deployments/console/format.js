// Numbers and times for people.

export function percent(share, digits = 0) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

export function rate(mbps) {
  if (mbps === null || mbps === undefined) return "–";
  if (mbps >= 1000) return `${(mbps / 1000).toFixed(2)} Gbit/s`;
  return `${mbps >= 100 ? mbps.toFixed(0) : mbps.toFixed(1)} Mbit/s`;
}

export function count(number) {
  return number === null || number === undefined ? "–" : number.toLocaleString("en");
}

export function milliseconds(value) {
  return value === null || value === undefined ? "–" : `${value.toFixed(1)} ms`;
}

// A time of day, with the date if it is another day.
export function moment(text) {
  const time = new Date(text);
  const clock = time.toLocaleTimeString("en-GB");
  const today = new Date().toDateString() === time.toDateString();
  return today ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}

export function ago(text) {
  const seconds = Math.max(0, (Date.now() - new Date(text)) / 1000);
  if (seconds < 90) return `${seconds.toFixed(0)} s ago`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(0)} min ago`;
  if (seconds < 129600) return `${(seconds / 3600).toFixed(0)} h ago`;
  return `${(seconds / 86400).toFixed(0)} days ago`;
}

// The sum of one figure over the points of a series.
export function sum(points, name) {
  return points.reduce((total, point) => total + point[name], 0);
}

// Its mean over all forecasts in them, null without any.
export function mean(points, name) {
  const scored = sum(points, "scored");
  return scored ? points.reduce((total, point) => total + point.scored * point[name], 0) / scored : null;
}
