// 100·part/whole to three significant digits, halves up; in integers, to equal Python's text.
const percent = (part, whole) => {
  let [upper, lower, places, zeros] = [100n * BigInt(part), BigInt(whole), 0, 0];
  for (; upper < 100n * lower; places += 1) upper *= 10n;
  for (; upper >= 1000n * lower; zeros += 1) lower *= 10n;
  let digits = (2n * upper + lower) / (2n * lower);
  if (digits === 1000n) {
    digits = 100n;
    if (places) places -= 1;
    else zeros += 1;
  }
  const text = `${digits}${"0".repeat(zeros)}`.padStart(places + 1, "0");
  const point = text.length - places;
  return `${grouped(text.slice(0, point))}${places ? "." : ""}${text.slice(point)} %`;
};
