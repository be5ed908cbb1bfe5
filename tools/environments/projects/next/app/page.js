"use client";
import { useEffect } from "react";
import { work } from "../work.mjs";

export default function Page() {
  useEffect(() => {
    work(() => import("../readme-example.mjs"));
  }, []);
  return <h1>Kiln</h1>;
}
