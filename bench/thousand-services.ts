/** 1,000 services of 10 reals each, on 100 addresses. */
export const thousandServices = Array.from({ length: 1000 }, (_, index) => ({
  vip: `10.1.0.${1 + (index % 100)}`,
  port: 8000 + Math.floor(index / 100),
  reals: Array.from({ length: 10 }, (_, real) => 1 + ((index * 10 + real) % 250)),
}))
